package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.poll.Poller;
import io.netpark.core.sys.Binding;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.Linux;
import io.netpark.core.sys.NativeMemory;
import io.netpark.core.sys.NetparkException;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CallbackPollerTest {

    private final LibC libc = Binding.defaultLibC();
    private final NativeMemory memory = NativeMemory.allocate(64);
    private final Support.Reports reports = new Support.Reports();
    private final BlockingQueue<String> events = new LinkedBlockingQueue<>();
    private final ReadinessHandler recording = (descriptor, found) -> events.add(found.toString());
    private EventLoopGroup group;
    private CallbackPoller poller;

    /** Of a pipe. */
    private DescriptorHandle in;
    private DescriptorHandle out;

    @BeforeEach
    void open() throws Exception {
        group = Support.group(1, reports);
        poller = CallbackPoller.on(group.next());
        assertEquals(0, libc.pipe2(memory.address(), Linux.O_NONBLOCK | Linux.O_CLOEXEC));
        in = new DescriptorHandle(memory.buffer().getInt(0));
        out = new DescriptorHandle(memory.buffer().getInt(4));
    }

    @AfterEach
    void close() {
        poller.close();
        group.close();
        libc.close(in.number());
        if (out != null) {
            libc.close(out.number());
        }
    }

    private void write(int bytes) {
        assertEquals(bytes, libc.write(out.number(), memory.address(), bytes));
    }

    /** Any thread: into memory that nobody looks at. */
    private long drain() {
        return libc.read(in.number(), memory.address() + 32, 32);
    }

    private String next() throws InterruptedException {
        return events.poll(Support.TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
    }

    private String nextSoon() throws InterruptedException {
        return events.poll(50, TimeUnit.MILLISECONDS);
    }

    static List<Support.Platform> platforms() {
        return Support.platforms();
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void levelAndOneShotOnEveryPlatform(Support.Platform platform) throws Exception {
        AtomicInteger calls = new AtomicInteger();
        try (EventLoopGroup own = platform.group().loops(1).open();
                CallbackPoller poller = CallbackPoller.on(own.next())) {
            poller.start(in, Watch.READ, (descriptor, found) -> {
                assertEquals(in, descriptor);
                assertTrue(found.isReadable() || found.isPollerClosed());
                if (calls.incrementAndGet() == 3) {
                    drain();
                }
            });
            write(1);
            Support.await("reported again and again", () -> calls.get() == 3);
            Thread.sleep(20);
            assertEquals(3, calls.get());
            assertTrue(poller.stop(in));
            assertFalse(poller.stop(in));

            poller.start(in, Watch.READ.oneShot(), recording);
            write(1);
            assertEquals("READABLE", next());
            write(1);
            assertNull(nextSoon());
            assertTrue(poller.resume(in));
            assertEquals("READABLE", next());
            assertNull(nextSoon());
        }
        assertEquals("POLLER_CLOSED", next());
        assertNull(nextSoon());
    }

    @Test
    void edgeTriggeredReportsEachArrivalOnce() throws Exception {
        poller.start(in, Watch.READ.edgeTriggered(), recording);
        write(1);
        assertEquals("READABLE", next());
        assertNull(nextSoon());
        write(1);
        assertEquals("READABLE", next());
        assertNull(nextSoon());
        assertTrue(poller.resume(in)); // still ready
        assertEquals("READABLE", next());
    }

    @Test
    void whatIsReadyAtTheStartIsReported() throws Exception {
        write(1);
        poller.start(in, Watch.READ.edgeTriggered(), recording);
        assertEquals("READABLE", next());
        poller.start(out, Watch.WRITE.oneShot(), recording);
        assertEquals("WRITABLE", next());
    }

    @Test
    void theOtherEndOfAPipeThatClosesIsAHangup() throws Exception {
        poller.start(in, Watch.READ.edgeTriggered(), recording);
        libc.close(out.number());
        out = null;
        assertEquals("HANGUP", next());
    }

    /** By the C library itself, as Netpark makes no such descriptors. */
    private static int call(String function, Object... arguments) {
        return com.sun.jna.Function.getFunction("c", function).invokeInt(arguments);
    }

    @Test
    void timersSignalsAndChangesOfFilesCanBeWatched() throws Exception {
        int closeOnExec = 0x80000;
        int nonBlocking = 0x800;
        int timer = call("timerfd_create", 1, closeOnExec | nonBlocking); // CLOCK_MONOTONIC
        int changes = call("inotify_init1", closeOnExec | nonBlocking);
        memory.buffer().putLong(0, 1L << 12 - 1); // the signal set of SIGUSR2; the C library reads more, and the kernel not
        int signals = call("signalfd", -1, memory.address(), closeOnExec | nonBlocking);
        Path folder = Files.createTempDirectory("netpark");
        try {
            assertTrue(timer >= 0 && changes >= 0 && signals >= 0);
            poller.start(new DescriptorHandle(timer), Watch.READ.oneShot(), (descriptor, found) -> events.add("timer " + found));
            poller.start(new DescriptorHandle(changes), Watch.READ.oneShot(), (descriptor, found) -> events.add("changes " + found));
            poller.start(new DescriptorHandle(signals), Watch.READ, recording);
            assertNull(nextSoon());

            memory.buffer().putLong(0, 0).putLong(8, 0).putLong(16, 0).putLong(24, 1_000_000); // once, in a millisecond
            assertEquals(0, call("timerfd_settime", timer, 0, memory.address(), 0L));
            assertEquals("timer READABLE", next());

            assertTrue(call("inotify_add_watch", changes, folder.toString(), 0x100) >= 0); // IN_CREATE
            Path created = Files.createFile(folder.resolve("new"));
            assertEquals("changes READABLE", next());
            Files.delete(created);

            for (int descriptor : new int[] {timer, changes, signals}) {
                assertTrue(poller.stop(new DescriptorHandle(descriptor)));
            }
        } finally {
            libc.close(timer);
            libc.close(changes);
            libc.close(signals);
            Files.delete(folder);
        }
    }

    @Test
    void eventfdsAndSocketsCanBeWatched() throws Exception {
        int eventfd = libc.eventfd(1, Linux.EFD_NONBLOCK | Linux.EFD_CLOEXEC);
        int type = Linux.SOCK_STREAM | Linux.SOCK_NONBLOCK;
        assertEquals(0, libc.socketpair(Linux.AF_UNIX, type, 0, memory.address() + 8));
        int here = memory.buffer().getInt(8);
        int there = memory.buffer().getInt(12);
        try {
            poller.start(new DescriptorHandle(eventfd), Watch.READ_WRITE.oneShot(), recording);
            assertEquals("READABLE|WRITABLE", next());
            poller.start(new DescriptorHandle(here), Watch.READ.edgeTriggered(), recording);
            libc.shutdown(there, Linux.SHUT_WR);
            assertEquals("READABLE|READ_CLOSED", next());
            poller.stop(new DescriptorHandle(eventfd));
            poller.stop(new DescriptorHandle(here));
        } finally {
            libc.close(eventfd);
            libc.close(here);
            libc.close(there);
        }
    }

    @Test
    void afterStopHasReturnedTheCallbackIsNotEntered() throws Exception {
        write(1); // ready for ever
        for (int round = 0; round < 2_000; round++) {
            AtomicBoolean stopped = new AtomicBoolean();
            AtomicInteger calls = new AtomicInteger();
            AtomicInteger late = new AtomicInteger();
            poller.start(in, Watch.READ, (descriptor, found) -> {
                calls.incrementAndGet();
                for (int i = 0; i < 50; i++) {
                    Thread.onSpinWait();
                    if (stopped.get()) {
                        late.incrementAndGet();
                    }
                }
            });
            if (round % 2 == 0) {
                Support.await("called", () -> calls.get() > 0);
            }
            assertTrue(poller.stop(in));
            stopped.set(true);
            assertEquals(0, late.get());
            if (round % 50 == 0) {
                int seen = calls.get();
                Thread.sleep(1);
                assertEquals(seen, calls.get());
                assertEquals(0, late.get());
            }
        }
    }

    @Test
    void stopWaitsForACallbackThatRuns() throws Exception {
        CountDownLatch entered = new CountDownLatch(1);
        CountDownLatch leave = new CountDownLatch(1);
        poller.start(in, Watch.READ, (descriptor, found) -> {
            entered.countDown();
            leave.await();
            events.add("left");
        });
        write(1);
        entered.await();
        Thread stopper = new Thread(() -> {
            poller.stop(in);
            events.add("stopped");
        });
        stopper.start();
        assertNull(nextSoon());
        leave.countDown();
        assertEquals("left", next());
        assertEquals("stopped", next());
        stopper.join();
    }

    @Test
    void aCallbackMayStopItselfAndStartAgain() throws Exception {
        poller.start(in, Watch.READ, (descriptor, found) -> {
            assertTrue(poller.stop(descriptor));
            events.add("first");
            poller.start(descriptor, Watch.READ.oneShot(), recording);
        });
        write(1);
        assertEquals("first", next());
        assertEquals("READABLE", next());
        assertNull(nextSoon());
    }

    @Test
    void aCallbackThatThrowsIsReportedAndStopped() throws Exception {
        Exception thrown = new Exception("on purpose");
        poller.start(in, Watch.READ, (descriptor, found) -> {
            throw thrown;
        });
        write(1);
        Support.await("reported", () -> !reports.causes.isEmpty());
        Thread.sleep(20);
        assertEquals(List.of(thrown), List.copyOf(reports.causes));
        assertFalse(poller.stop(in));
        poller.start(in, Watch.READ.oneShot(), recording);
        assertEquals("READABLE", next());
    }

    @Test
    void startingTwiceIsRefused() throws Exception {
        poller.start(in, Watch.READ, recording);
        assertThrows(IllegalStateException.class, () -> poller.start(in, Watch.WRITE, recording));
        IllegalStateException other = assertThrows(IllegalStateException.class,
                () -> CallbackPoller.on(group.next()).start(in, Watch.READ, recording));
        assertTrue(other.getMessage().contains("watched already"), other.getMessage());
    }

    @Test
    void aRegularFileIsRefusedWithAReason() throws Exception {
        Path file = Files.createTempFile("netpark", "test");
        try (var stream = Files.newInputStream(file)) {
            assertEquals(0, stream.available());
            int number = numberOf(file);
            NetparkException failure = assertThrows(NetparkException.class,
                    () -> poller.start(new DescriptorHandle(number), Watch.READ, recording));
            assertTrue(failure.getMessage().contains("EPERM") && failure.getMessage().contains("regular file"),
                    failure.getMessage());
            assertFalse(poller.stop(new DescriptorHandle(number)));
        } finally {
            Files.delete(file);
        }
    }

    private static int numberOf(Path file) throws Exception {
        for (File link : new File("/proc/self/fd").listFiles()) {
            Path name = link.toPath();
            if (Files.isSymbolicLink(name) && Files.readSymbolicLink(name).equals(file.toRealPath())) {
                return Integer.parseInt(link.getName());
            }
        }
        throw new AssertionError("not open: " + file);
    }

    @Test
    void pollCannotBeEdgeTriggered() throws Exception {
        try (EventLoopGroup own = EventLoopGroup.builder().loops(1).daemon(true).pollers(Poller.POLL).open()) {
            UnsupportedOperationException failure = assertThrows(UnsupportedOperationException.class,
                    () -> CallbackPoller.on(own.next()).start(in, Watch.READ.edgeTriggered(), recording));
            assertTrue(failure.getMessage().contains("poll(2)"), failure.getMessage());
        }
    }

    @Test
    void closingDeliversPollerClosedToEveryCallbackOnce() throws Exception {
        for (boolean closeTheLoop : new boolean[] {false, true}) {
            EventLoopGroup own = Support.group(1, reports);
            CallbackPoller closing = CallbackPoller.on(own.next());
            AtomicInteger told = new AtomicInteger();
            ReadinessHandler counting = (descriptor, found) -> {
                if (found.isPollerClosed()) {
                    assertTrue(own.next().inLoop());
                    told.incrementAndGet();
                }
            };
            closing.start(in, Watch.READ, counting);
            closing.start(out, Watch.WRITE.oneShot(), counting);
            if (closeTheLoop) {
                own.close();
            } else {
                closing.close();
            }
            assertEquals(2, told.get());
            closing.close();
            own.close();
            assertEquals(2, told.get());
            assertThrows(NetparkException.Closed.class, () -> closing.start(in, Watch.READ, counting));
        }
        assertEquals(List.of(), List.copyOf(reports.causes));
    }

    @Test
    void aPollerOfItsOwnEndsItsLoop() throws Exception {
        CallbackPoller own = CallbackPoller.open();
        own.start(in, Watch.READ, recording);
        own.close();
        assertEquals("POLLER_CLOSED", next());
        assertTrue(own.loop().isTerminated());
    }

    @Test
    void valuesHaveNames() {
        assertEquals("READ|WRITE, EDGE_TRIGGERED", Watch.READ_WRITE.edgeTriggered().toString());
        assertEquals(Watch.READ, Watch.READ.oneShot().levelTriggered());
        assertEquals("descriptor 7", new DescriptorHandle(7).toString());
        assertThrows(IllegalArgumentException.class, () -> new DescriptorHandle(-1));
        assertEquals("POLLER_CLOSED", Events.POLLER_CLOSED.toString());
        assertSame(Events.POLLER_CLOSED, Events.of(0x8000));
    }
}
