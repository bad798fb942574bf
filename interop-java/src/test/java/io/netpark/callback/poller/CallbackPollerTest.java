package io.netpark.callback.poller;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.callback.Support;
import io.netpark.core.linux.Linux;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.memory.NativeMemory;
import io.netpark.core.poll.Poller;
import io.netpark.core.sys.Binding;
import io.netpark.core.sys.EventFd;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.OpenDescriptor;
import io.netpark.core.sys.OpenPipe;
import io.netpark.core.sys.TimerFd;
import java.io.File;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
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
    private OpenDescriptor in;
    private OpenDescriptor out;

    @BeforeEach
    void open() throws Exception {
        group = Support.group(1, reports);
        poller = CallbackPoller.on(group.next());
        OpenPipe pipe = OpenDescriptor.pipe();
        in = pipe.readEnd();
        out = pipe.writeEnd();
    }

    @AfterEach
    void close() {
        poller.close();
        group.close();
        in.close();
        out.close();
    }

    private void write(int bytes) throws NetparkException {
        assertEquals(bytes, out.write(ByteBuffer.allocate(bytes)));
    }

    private void drain() throws NetparkException {
        while (in.read(ByteBuffer.allocate(64)) > 0) {}
    }

    /** Until there is no more room. */
    private void fill() throws NetparkException {
        while (out.write(ByteBuffer.allocate(4096)) > 0) {}
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
        out.close();
        assertEquals("HANGUP", next());
    }

    /** By the C library itself, as Netpark makes no such descriptors. */
    private static int call(String function, Object... arguments) {
        return com.sun.jna.Function.getFunction("c", function).invokeInt(arguments);
    }

    @Test
    void timersSignalsAndChangesOfFilesCanBeWatched() throws Exception {
        memory.buffer().putLong(0, 1L << 12 - 1); // the signal set of SIGUSR2; the C library reads more, and the kernel not
        Path folder = Files.createTempDirectory("netpark");
        try (TimerFd timer = OpenDescriptor.timerFd();
                OpenDescriptor changes = OpenDescriptor.of(libc.inotifyInit(Linux.IN_CLOEXEC | Linux.IN_NONBLOCK));
                OpenDescriptor signals = OpenDescriptor.of(call("signalfd", -1, memory.address(), Linux.IN_CLOEXEC | Linux.IN_NONBLOCK))) {
            poller.start(timer, Watch.READ.oneShot(), (descriptor, found) -> events.add("timer " + found));
            poller.start(changes, Watch.READ.oneShot(), (descriptor, found) -> events.add("changes " + found));
            poller.start(signals, Watch.READ, recording);
            assertNull(nextSoon());

            timer.arm(Duration.ofMillis(1));
            assertEquals("timer READABLE", next());
            assertEquals(1, timer.takeExpirations());

            byte[] name = (folder + "\0").getBytes();
            NativeMemory path = NativeMemory.allocate(name.length);
            path.buffer().put(0, name);
            assertTrue(libc.inotifyAddWatch(changes.number(), path.address(), Linux.IN_CREATE) >= 0);
            Path created = Files.createFile(folder.resolve("new"));
            assertEquals("changes READABLE", next());
            Files.delete(created);

            for (OpenDescriptor descriptor : List.of(timer, changes, signals)) {
                assertTrue(poller.stop(descriptor));
            }
        } finally {
            Files.delete(folder);
        }
    }

    @Test
    void eventfdsAndSocketsCanBeWatched() throws Exception {
        int type = Linux.SOCK_STREAM | Linux.SOCK_NONBLOCK;
        assertEquals(0, libc.socketpair(Linux.AF_UNIX, type, 0, memory.address() + 8));
        try (EventFd event = OpenDescriptor.eventFd(1);
                OpenDescriptor here = OpenDescriptor.of(memory.buffer().getInt(8));
                OpenDescriptor there = OpenDescriptor.of(memory.buffer().getInt(12))) {
            poller.start(event, Watch.READ_WRITE.oneShot(), recording);
            assertEquals("READABLE|WRITABLE", next());
            poller.start(here, Watch.READ.edgeTriggered(), recording);
            libc.shutdown(there.number(), Linux.SHUT_WR);
            assertEquals("READABLE|READ_CLOSED", next());
            poller.stop(event);
            poller.stop(here);
        }
    }

    // Changing what is watched for

    /** A socket, which can be watched for both. */
    private void withSocket(Socket body) throws Exception {
        int type = Linux.SOCK_STREAM | Linux.SOCK_NONBLOCK | Linux.SOCK_CLOEXEC;
        assertEquals(0, libc.socketpair(Linux.AF_UNIX, type, 0, memory.address() + 8));
        try (OpenDescriptor here = OpenDescriptor.of(memory.buffer().getInt(8));
                OpenDescriptor there = OpenDescriptor.of(memory.buffer().getInt(12))) {
            body.run(here, there);
        }
    }

    private interface Socket {
        void run(OpenDescriptor here, OpenDescriptor there) throws Exception;
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void aWatchIsChangedToAnotherDirection(Support.Platform platform) throws Exception {
        try (EventLoopGroup own = platform.group().loops(1).open();
                CallbackPoller poller = CallbackPoller.on(own.next())) {
            withSocket((here, there) -> {
                for (Watch read : List.of(Watch.READ, Watch.READ.oneShot())) {
                    for (Watch write : List.of(Watch.WRITE.oneShot(), Watch.WRITE)) {
                        AtomicReference<String> last = new AtomicReference<>("none");
                        poller.start(here, read, (descriptor, found) -> last.set(found.toString()));
                        assertTrue(poller.change(here, write));
                        Support.await("told of room", () -> last.get().equals("WRITABLE"));
                        there.write(ByteBuffer.allocate(1));
                        assertTrue(poller.change(here, read));
                        Support.await("told of bytes", () -> last.get().equals("READABLE"));
                        here.read(ByteBuffer.allocate(1));
                        assertTrue(poller.change(here, write.oneShot()));
                        Support.await("told of room again", () -> last.get().equals("WRITABLE"));
                        last.set("none");
                        Thread.sleep(5);
                        assertEquals("none", last.get()); // once
                        assertTrue(poller.change(here, Watch.READ_WRITE));
                        Support.await("told of what there is", () -> last.get().equals("WRITABLE"));
                        assertTrue(poller.stop(here));
                        assertFalse(poller.change(here, read));
                    }
                }
            });
        }
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void afterAChangeHasReturnedNobodyIsToldOfWhatWasWantedBefore(Support.Platform platform) throws Exception {
        try (EventLoopGroup own = platform.group().loops(1).open();
                CallbackPoller poller = CallbackPoller.on(own.next())) {
            withSocket((here, there) -> {
                there.write(ByteBuffer.allocate(1)); // readable and writable for ever
                AtomicReference<Watch> wanted = new AtomicReference<>(Watch.READ);
                AtomicInteger calls = new AtomicInteger();
                AtomicInteger wrong = new AtomicInteger();
                poller.start(here, Watch.READ, (descriptor, found) -> {
                    if (found.isPollerClosed()) {
                        return;
                    }
                    Watch now = wanted.get(); // null while it is being changed
                    if (now != null && (found.isReadable() && !now.reads() || found.isWritable() && !now.writes())) {
                        wrong.incrementAndGet();
                    }
                    calls.incrementAndGet();
                });
                for (int i = 0; i < 2_000; i++) {
                    Watch next = i % 2 == 0 ? Watch.WRITE : Watch.READ;
                    wanted.set(null);
                    int before = calls.get();
                    poller.change(here, next);
                    if (i % 3 == 0) { // the callback that was running as it changed has left
                        Support.await("called", () -> calls.get() >= before + 2);
                    }
                    wanted.set(i % 3 == 0 ? next : null);
                    if (i % 5 == 0) {
                        Support.await("called again", () -> calls.get() >= before + 3);
                    }
                }
                assertEquals(0, wrong.get());
                poller.stop(here);
            });
        }
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void aOneShotWatchReportsOnceForEachChangeWhoeverChangesIt(Support.Platform platform) throws Exception {
        try (EventLoopGroup own = platform.group().loops(1).open();
                CallbackPoller poller = CallbackPoller.on(own.next())) {
            withSocket((here, there) -> {
                there.write(ByteBuffer.allocate(1));
                Watch[] watches = {Watch.READ.oneShot(), Watch.WRITE.oneShot(), Watch.READ_WRITE.oneShot()};
                AtomicInteger calls = new AtomicInteger();
                poller.start(here, watches[0], (descriptor, found) -> calls.incrementAndGet());
                int changes = 0;
                for (int i = 0; i < 3_000; i++) {
                    assertTrue(poller.change(here, watches[i % 3])); // while the last report is on its way
                    changes++;
                    if (i % 7 == 0) {
                        int seen = calls.get();
                        assertTrue(seen <= changes + 1, seen + " calls after " + changes + " changes");
                    }
                }
                int sofar = calls.get();
                assertTrue(sofar <= changes + 1);
                for (int turn = 0; turn < 3; turn++) { // it has told of the last change
                    own.next().submit(() -> {}).get();
                }
                int settled = calls.get();
                Thread.sleep(20);
                assertEquals(settled, calls.get()); // and then nothing
                poller.change(here, watches[1]);
                Support.await("the last change is told of", () -> calls.get() == settled + 1);
                poller.stop(here);
            });
        }
    }

    @ParameterizedTest
    @MethodSource("platforms")
    void aCallbackMayChangeItsOwnWatchAndOthers(Support.Platform platform) throws Exception {
        try (EventLoopGroup own = platform.group().loops(1).open();
                CallbackPoller poller = CallbackPoller.on(own.next())) {
            withSocket((here, there) -> {
                poller.start(there, Watch.READ.oneShot(), (descriptor, found) -> events.add("there " + found));
                poller.start(here, Watch.WRITE, (descriptor, found) -> {
                    if (found.isWritable()) {
                        events.add("here " + found);
                        poller.change(here, Watch.READ);
                        poller.change(there, Watch.WRITE.oneShot());
                    } else if (found.isReadable()) {
                        here.read(ByteBuffer.allocate(1));
                        events.add("here " + found);
                    }
                });
                assertEquals("here WRITABLE", next());
                assertEquals("there WRITABLE", next());
                there.write(ByteBuffer.allocate(1));
                assertEquals("here READABLE", next());
                assertNull(nextSoon());
                poller.stop(here);
                poller.stop(there);
            });
        }
    }

    @Test
    void aWatchIsChangedBetweenLevelsAndEdges() throws Exception {
        AtomicInteger calls = new AtomicInteger();
        write(1);
        poller.start(in, Watch.READ.edgeTriggered(), (descriptor, found) -> calls.incrementAndGet());
        Support.await("an edge", () -> calls.get() == 1);
        poller.change(in, Watch.READ);
        Support.await("levels", () -> calls.get() > 10);
        poller.change(in, Watch.READ.edgeTriggered());
        int seen = settled(calls);
        write(1);
        Support.await("the next edge", () -> calls.get() > seen);
        fill();
        Support.await("and the next", () -> calls.get() > seen + 1);
        drain();
        try (EventLoopGroup own = EventLoopGroup.builder().loops(1).daemon(true).pollers(Poller.POLL).open();
                CallbackPoller polling = CallbackPoller.on(own.next())) {
            polling.start(out, Watch.READ, recording);
            assertThrows(UnsupportedOperationException.class, () -> polling.change(out, Watch.READ.edgeTriggered()));
        }
    }

    /** Waits until no more calls come: levels never cease. */
    private static int settled(AtomicInteger calls) throws InterruptedException {
        for (int round = 0; round < 500; round++) {
            int seen = calls.get();
            Thread.sleep(20);
            if (calls.get() == seen) {
                return seen;
            }
        }
        throw new AssertionError("calls do not cease: " + calls.get());
    }

    @Test
    void aClosedDescriptorIsNotWatched() throws Exception {
        out.close();
        assertThrows(IllegalStateException.class, () -> poller.start(out, Watch.WRITE, recording));
        poller.start(in, Watch.READ, recording);
        in.close(); // against the rules
        assertTrue(poller.stop(in));
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
        for (int turn = 0; turn < 3; turn++) { // the callback is stopped after the report; and is not called again
            group.next().submit(() -> {}).get();
        }
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
            OpenDescriptor descriptor = OpenDescriptor.of(numberOf(file));
            NetparkException failure = assertThrows(NetparkException.class,
                    () -> poller.start(descriptor, Watch.READ, recording));
            assertTrue(failure.getMessage().contains("EPERM") && failure.getMessage().contains("regular file"),
                    failure.getMessage());
            assertFalse(poller.stop(descriptor));
            descriptor.release(); // it is the stream's
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
        assertEquals("POLLER_CLOSED", Events.POLLER_CLOSED.toString());
        assertSame(Events.POLLER_CLOSED, Events.of(0x8000));
    }
}
