package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.poll.Poller;
import io.netpark.core.report.Reporter;
import io.netpark.core.sys.Binding;
import io.netpark.core.sys.Due;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** What the tests share. */
public final class Support {

    /** The limit of everything that is expected to happen soon: long enough for a busy machine. */
    public static final int TIMEOUT_MILLIS = 20_000;

    private Support() {}

    /** A reporter that remembers. */
    public static final class Reports implements Reporter {
        public final ConcurrentLinkedQueue<Throwable> causes = new ConcurrentLinkedQueue<>();

        @Override
        public void report(String what, Throwable cause) {
            causes.add(cause);
        }
    }

    /** What a loop can be made of. */
    public record Platform(Binding binding, Poller.Factory pollers, String name) {
        public EventLoopGroup.Builder group() {
            return (binding == Binding.SIMULATED ? loops() : loops().libc(binding.open())).pollers(pollers);
        }

        @Override
        public String toString() {
            return binding + " " + name;
        }
    }

    public static List<Platform> platforms() {
        if (ScheduledRun.isOn()) {
            return List.of(new Platform(Binding.SIMULATED, ScheduledRun.poller(), ScheduledRun.poller() == Poller.POLL ? "poll" : "epoll"));
        }
        List<Platform> all = new ArrayList<>();
        for (Binding binding : Binding.values()) {
            if (binding.unavailability() == null) {
                all.add(new Platform(binding, Poller.EPOLL, "epoll"));
                all.add(new Platform(binding, Poller.POLL, "poll"));
            }
        }
        return all;
    }

    /** Where callbacks may run: names for {@link #workers}. */
    public static List<String> threads() {
        return Runtime.version().feature() >= 21 && !ScheduledRun.isOn() ? List.of("loop", "pool", "virtual") : List.of("loop", "pool");
    }

    /** Null for the loop. */
    public static Workers workers(String threads) {
        return switch (threads) {
            case "loop" -> null;
            case "pool" -> pool(2, 1000);
            case "virtual" -> Workers.virtualThreads();
            default -> throw new IllegalArgumentException(threads);
        };
    }

    /** As {@link Workers#pool}; in the order of a {@link ScheduledRun} there are always enough of them. */
    public static Workers pool(int threads, int queueLimit) {
        ScheduledRun run = ScheduledRun.current();
        return run == null ? Workers.pool(threads, queueLimit) : Workers.on(run.threads());
    }

    /** Daemons that report everything. */
    public static EventLoopGroup.Builder loops() {
        ScheduledRun run = ScheduledRun.current();
        return run == null ? EventLoopGroup.builder().daemon(true).reportLimit(Integer.MAX_VALUE) : run.loops();
    }

    public static EventLoopGroup group(int loops, Reporter reporter) throws IOException {
        return loops().loops(loops).reporter(reporter).open();
    }

    public static InetSocketAddress loopback() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    }

    /** A server, and below a client and a socket that is connected to a server, of the {@link Flavour} that is tested. */
    public static CallbackServer.Builder server() {
        CallbackServer.Builder builder = Flavour.current().server();
        ScheduledRun run = ScheduledRun.current();
        return run == null ? builder : builder.segments(run.segments()).loops(run::configure);
    }

    public static CallbackClient.Builder client() {
        CallbackClient.Builder builder = Flavour.current().client();
        ScheduledRun run = ScheduledRun.current();
        return run == null ? builder : builder.segments(run.segments()).loops(run::configure);
    }

    public static Socket connect(CallbackServer server) throws IOException {
        return connect(server, 0);
    }

    /** Whose kernel keeps no more than so many bytes, or twice as many, that it does not read. */
    public static Socket connect(CallbackServer server, int receiveBuffer) throws IOException {
        ScheduledRun run = ScheduledRun.current();
        return run == null ? Flavour.current().wrap(connectPlain(server, receiveBuffer))
                : run.connect(server.localAddress(), receiveBuffer, Flavour.current().clientTls());
    }

    /** Without TLS, whatever the server has. */
    public static Socket connectPlain(CallbackServer server) throws IOException {
        return connectPlain(server, 0);
    }

    private static Socket connectPlain(CallbackServer server, int receiveBuffer) throws IOException {
        ScheduledRun run = ScheduledRun.current();
        if (run != null) {
            return run.connect(server.localAddress(), receiveBuffer, null);
        }
        Socket socket = new Socket();
        if (receiveBuffer > 0) {
            socket.setReceiveBufferSize(receiveBuffer);
        }
        socket.connect(server.localAddress(), TIMEOUT_MILLIS);
        socket.setSoTimeout(TIMEOUT_MILLIS);
        socket.setTcpNoDelay(true);
        return socket;
    }

    /** Of somebody who is no server of this library. */
    public static ServerSocket listen() throws IOException {
        ScheduledRun run = ScheduledRun.current();
        return run == null ? new ServerSocket(0, 10, InetAddress.getLoopbackAddress()) : run.listen();
    }

    public static void send(Socket socket, String text) {
        try {
            socket.getOutputStream().write(text.getBytes(StandardCharsets.ISO_8859_1));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Reads this many bytes. */
    public static String receive(Socket socket, int bytes) throws IOException {
        byte[] read = socket.getInputStream().readNBytes(bytes);
        return new String(read, StandardCharsets.ISO_8859_1);
    }

    public static String receiveAll(Socket socket) throws IOException {
        return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
    }

    /** Closes with a reset. */
    public static void reset(Socket socket) throws IOException {
        Socket below = Flavour.below(socket); // TLS would send its end first
        below.setSoLinger(true, 0);
        below.close();
    }

    public static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.ISO_8859_1));
    }

    /** Takes all bytes. */
    public static String take(ByteBuffer in) {
        byte[] taken = new byte[in.remaining()];
        in.get(taken);
        return new String(taken, StandardCharsets.ISO_8859_1);
    }

    /** Byte {@code i} of the stream with this number. */
    public static byte pattern(long stream, long i) {
        long x = stream * 0x9E3779B97F4A7C15L + i;
        return (byte) (x ^ x >>> 8 ^ x >>> 16);
    }

    public static byte[] patternBytes(long stream, int size) {
        byte[] bytes = new byte[size];
        for (int i = 0; i < size; i++) {
            bytes[i] = pattern(stream, i);
        }
        return bytes;
    }

    public static void assertPattern(long stream, int size, InputStream in) throws IOException {
        byte[] got = in.readNBytes(size);
        assertTrue(Arrays.equals(patternBytes(stream, size), got), "stream " + stream + ": " + got.length + " bytes");
    }

    // Waiting, and other threads: in the order of a ScheduledRun, if there is one

    /** Until it holds; whoever asks may wait for that. */
    public static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long end = nanoTime() + TIMEOUT_MILLIS * 1_000_000L;
        while (!condition.getAsBoolean()) {
            assertTrue(nanoTime() - end < 0, "in vain: " + what);
            pause();
        }
    }

    /** The millisecond of a schedule does not come while others work; then it is so much work. */
    private static void pause() throws InterruptedException {
        AtomicInteger looks = new AtomicInteger();
        ScheduledRun run = ScheduledRun.current();
        if (run == null || !run.schedule().awaits(1_000_000, () -> looks.incrementAndGet() > 1000)) {
            Thread.sleep(1);
        }
    }

    /** Whether the thread has waited in the order of a schedule. */
    private static boolean hasAwaited(BooleanSupplier condition) throws InterruptedException {
        ScheduledRun run = ScheduledRun.current();
        return run != null && run.schedule().awaits(Due.FOREVER, condition);
    }

    public static void await(CountDownLatch latch) throws InterruptedException {
        if (!hasAwaited(() -> latch.getCount() == 0)) {
            latch.await();
        }
    }

    public static <T> T get(Future<T> future) throws InterruptedException, ExecutionException, TimeoutException {
        hasAwaited(future::isDone);
        return future.get(TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
    }

    /** Null if nothing comes. */
    public static <T> @Nullable T poll(BlockingQueue<T> queue) throws InterruptedException {
        hasAwaited(() -> !queue.isEmpty());
        return queue.poll(TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
    }

    public static void sleep(long millis) throws InterruptedException {
        ScheduledRun run = ScheduledRun.current();
        if (run == null) {
            Thread.sleep(millis);
            return;
        }
        long end = nanoTime() + millis * 1_000_000L;
        if (!run.schedule().awaits(millis * 1_000_000L, () -> run.schedule().nanoTime() - end >= 0)) {
            Thread.sleep(millis);
        }
    }

    /** By the clock by which {@link #sleep} sleeps. */
    public static long nanoTime() {
        ScheduledRun run = ScheduledRun.current();
        return run == null ? System.nanoTime() : run.schedule().nanoTime();
    }

    /** A thread that is yet to be started, soon. */
    public static Thread thread(Runnable body) {
        ScheduledRun run = ScheduledRun.current();
        return run == null ? new Thread(body) : run.thread(body);
    }

    /** Until the end of a {@link #thread}. */
    public static void join(Thread thread) throws Exception {
        if (ScheduledRun.current() != null) {
            get(ScheduledRun.end(thread));
        }
        thread.join();
    }

    /** Runs it on a thread of its own. */
    public static <T> FutureTask<T> start(Callable<T> body) {
        FutureTask<T> task = new FutureTask<>(body);
        thread(task).start();
        return task;
    }

    /** Until the thread is in such a state: waits, that is, for something that does not come by itself. */
    public static void awaitState(Thread thread, Thread.State state) throws InterruptedException {
        ScheduledRun run = ScheduledRun.current();
        if (run != null) {
            run.settle(); // its state says nothing: it waits for its turn as well
        } else {
            await(thread + " is " + state, () -> thread.getState() == state);
        }
    }

    /** So many bytes that a kernel does not take them all: one in memory takes less, and each of them is dearer. */
    public static int much(int usual) {
        return ScheduledRun.isOn() ? Math.min(usual, 4_000_000) : usual;
    }

    /** How often to try for a moment that is met by chance: a schedule draws the moments, and has many seeds. */
    public static int rounds(int usual) {
        return ScheduledRun.isOn() ? Math.max(1, usual / 20) : usual;
    }

    private static final com.sun.management.ThreadMXBean THREADS =
            (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();

    @SuppressWarnings("deprecation") // getId is deprecated since 19, its successor is not in 17
    private static long threadId() {
        return Thread.currentThread().getId();
    }

    private static long idOf(EventLoop loop) throws Exception {
        return loop.submit(Support::threadId).get();
    }

    public static long cpuNanos(EventLoop loop) throws Exception {
        return THREADS.getThreadCpuTime(idOf(loop));
    }

    public static long allocatedBytes(EventLoop loop) throws Exception {
        return THREADS.getThreadAllocatedBytes(idOf(loop));
    }
}
