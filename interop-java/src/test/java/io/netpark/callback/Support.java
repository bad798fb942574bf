package io.netpark.callback;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.poll.Poller;
import io.netpark.core.report.Reporter;
import io.netpark.core.sys.Binding;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BooleanSupplier;

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
            return EventLoopGroup.builder().libc(binding.open()).pollers(pollers).daemon(true).reportLimit(Integer.MAX_VALUE);
        }

        @Override
        public String toString() {
            return binding + " " + name;
        }
    }

    public static List<Platform> platforms() {
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
        return Runtime.version().feature() >= 21 ? List.of("loop", "pool", "virtual") : List.of("loop", "pool");
    }

    /** Null for the loop. */
    public static Workers workers(String threads) {
        return switch (threads) {
            case "loop" -> null;
            case "pool" -> Workers.pool(2, 1000);
            case "virtual" -> Workers.virtualThreads();
            default -> throw new IllegalArgumentException(threads);
        };
    }

    public static EventLoopGroup group(int loops, Reporter reporter) throws IOException {
        return EventLoopGroup.builder().loops(loops).daemon(true).reporter(reporter).reportLimit(Integer.MAX_VALUE).open();
    }

    public static InetSocketAddress loopback() {
        return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    }

    /** A server, and below a client and a socket that is connected to a server, of the {@link Flavour} that is tested. */
    public static CallbackServer.Builder server() {
        return Flavour.current().server();
    }

    public static CallbackClient.Builder client() {
        return Flavour.current().client();
    }

    public static Socket connect(CallbackServer server) throws IOException {
        return Flavour.current().wrap(connectPlain(server));
    }

    /** Whose kernel keeps no more than so many bytes, or twice as many, that it does not read. */
    public static Socket connect(CallbackServer server, int receiveBuffer) throws IOException {
        return Flavour.current().wrap(connectPlain(server, receiveBuffer));
    }

    /** Without TLS, whatever the server has. */
    public static Socket connectPlain(CallbackServer server) throws IOException {
        return connectPlain(server, 0);
    }

    private static Socket connectPlain(CallbackServer server, int receiveBuffer) throws IOException {
        Socket socket = new Socket();
        if (receiveBuffer > 0) {
            socket.setReceiveBufferSize(receiveBuffer);
        }
        socket.connect(server.localAddress(), TIMEOUT_MILLIS);
        socket.setSoTimeout(TIMEOUT_MILLIS);
        socket.setTcpNoDelay(true);
        return socket;
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

    public static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + TIMEOUT_MILLIS * 1_000_000L;
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < end, "in vain: " + what);
            Thread.sleep(1);
        }
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
