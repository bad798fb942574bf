package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.blocking.BlockingConnection;
import io.netpark.blocking.BlockingListener;
import io.netpark.core.buffer.LeakDetection;
import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.dialing.Dialer;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.poll.Poller;
import io.netpark.core.sys.Due;
import io.netpark.core.tls.ClientTls;
import io.netpark.simulation.kernel.SimulatedKernel;
import io.netpark.simulation.schedule.Schedule;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * One test on a kernel in memory, in the order of a seed: its own thread, those that it starts by {@link Support}, event loops and workers
 * take turns, and wait by the time of the schedule. A failure says the seed and the last system calls. At the end nothing is open, and no
 * memory is lent.
 *
 * <p>Contracts run so in the nested classes of an {@code OnScheduleTest}, if they take what they run on from {@link Support}, and wait and
 * start threads by it. A wait for something else works, too; but it takes a while to be found out, and the seed has no say in it.
 */
public final class ScheduledRun {

    private static final ExecutorService THREADS = Executors.newCachedThreadPool(task -> {
        Thread thread = new Thread(task, "worker of a schedule");
        thread.setDaemon(true);
        return thread;
    });

    private static volatile long seed;
    private static volatile @Nullable ScheduledRun current;

    private final Schedule schedule = new Schedule(seed);
    private final SimulatedKernel kernel = new SimulatedKernel(schedule);
    private final Support.Reports leaks = new Support.Reports();
    private final SegmentPool segments = SegmentPool.builder().leakDetection(LeakDetection.PARANOID).reporter(leaks).build();
    private final long lentBefore = SegmentPool.shared().statistics().lentSegments();
    /** Of the sockets that a test has. */
    private @Nullable EventLoopGroup sockets;

    private ScheduledRun() {}

    // Of all tests that follow

    /** In how many orders a contract is tried: those of the seeds from 1 on. More by a property, for another evening. */
    static LongStream seeds() {
        return LongStream.rangeClosed(1, Long.getLong("netpark.test.orders", 5));
    }

    /** The tests that follow run in this order. */
    public static void use(long order) {
        seed = order;
    }

    /** They run on Linux, and as it happens. */
    public static void stop() {
        seed = 0;
    }

    /** Whether tests run so; one is about to, perhaps. */
    public static boolean isOn() {
        return seed != 0;
    }

    /** For what need not be the same in each order. */
    static boolean isOddSeed() {
        return seed % 2 != 0;
    }

    /** One of the pollers: half of the orders have the other. */
    public static Poller.Factory poller() {
        return isOddSeed() ? Poller.EPOLL : Poller.POLL;
    }

    /** Null if the test does not run so. */
    public static @Nullable ScheduledRun current() {
        return current;
    }

    static void begin() {
        current = new ScheduledRun();
    }

    static void end() throws Throwable {
        ScheduledRun run = current;
        if (run != null) {
            try {
                run.inTurn(run::close);
            } finally {
                current = null;
            }
        }
    }

    // Of one

    @FunctionalInterface
    interface Body {
        void run() throws Throwable;
    }

    /** The calling thread takes turns with the others meanwhile. */
    void inTurn(Body body) throws Throwable {
        try {
            schedule.run(() -> {
                try {
                    body.run();
                } catch (Exception | Error e) {
                    throw e;
                } catch (Throwable e) {
                    throw new AssertionError(e);
                }
                return null;
            });
        } catch (Throwable e) {
            throw new AssertionError("in the order of seed " + schedule.seed() + ": " + e, e);
        }
    }

    private void close() throws InterruptedException {
        if (sockets != null) {
            sockets.close();
        }
        Support.await("all memory is given back", () -> segments.statistics().lentSegments() == 0);
        long lent = SegmentPool.shared().statistics().lentSegments();
        assertTrue(lent <= lentBefore, () -> "shared segments lent: " + lentBefore + " before, " + lent + " now");
        assertEquals(List.of(), List.copyOf(kernel.descriptors()), "left open");
        assertEquals(List.of(), List.copyOf(leaks.causes));
    }

    public Schedule schedule() {
        return schedule;
    }

    SegmentPool segments() {
        return segments;
    }

    /** To make event loops of. */
    public EventLoopGroup.Builder loops() {
        EventLoopGroup.Builder builder = EventLoopGroup.builder();
        configure(builder);
        return builder;
    }

    void configure(EventLoopGroup.Builder builder) {
        builder.libc(kernel).clock(schedule).watchdog(Due.INFINITE).daemon(true).reportLimit(Integer.MAX_VALUE);
    }

    /** A thread whose end others can wait for in their turn. */
    private static final class Turning extends Thread {
        final CompletableFuture<Void> end;

        Turning(Runnable body, CompletableFuture<Void> end) {
            super(body);
            this.end = end;
            setDaemon(true);
        }
    }

    /** One that takes turns, and is yet to be started. */
    Thread thread(Runnable body) {
        CompletableFuture<Void> end = new CompletableFuture<>();
        return new Turning(schedule.starting(() -> {
            try {
                body.run();
            } finally {
                end.complete(null);
            }
        }), end);
    }

    /** Of such a thread. */
    static Future<Void> end(Thread thread) {
        return ((Turning) thread).end;
    }

    /** Threads that take turns, as many as there are tasks. */
    Executor threads() {
        return schedule.over(THREADS);
    }

    /** Until all others wait for something that does not come by itself: time does not pass before. */
    void settle() {
        schedule.sleep(Duration.ofNanos(1));
    }

    // What tests have the JDK's for elsewhere

    private synchronized EventLoopGroup sockets() throws IOException {
        EventLoopGroup group = sockets;
        if (group == null) {
            group = loops().name("sockets").loops(1).open();
            sockets = group;
        }
        return group;
    }

    /**
     * If it is to be with TLS, both have ended the handshake.
     *
     * @param receiveBuffer 0 for that of the kernel
     */
    Socket connect(SocketAddress address, int receiveBuffer, @Nullable ClientTls tls) throws IOException {
        Dialer dialer = Dialer.of(sockets()).withTls(tls);
        if (receiveBuffer > 0) {
            dialer = dialer.withOptions(NetOptions.DEFAULT.withReceiveBuffer(receiveBuffer));
        }
        Socket connected = new ScheduledSocket(BlockingConnection.dial(dialer, address));
        if (tls != null) {
            settle();
        }
        return connected;
    }

    ServerSocket listen() throws IOException {
        return new ScheduledServerSocket(BlockingListener.listen(sockets(), Support.loopback()));
    }
}
