package io.netpark.bench.dial;

import io.netpark.bench.load.Encoded;
import io.netpark.bench.server.Allocation;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;

/**
 * A dialer's process: {@code Dials DIALER}. It obeys lines on its standard input with one line each, {@code ok …} or
 * {@code failed …}, and ends when its input does.
 *
 * <pre>
 *   dial PORT MILLIS   dials 127.0.0.1:PORT for so long
 *   allocated          bytes that all threads have allocated so far
 * </pre>
 */
public final class Dials {

    private Dials() {}

    /** Dials. */
    public static void main(String[] arguments) throws Exception {
        BenchDialer dialer = open(arguments[0]);
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ");
            try {
                out.println("ok " + switch (words[0]) {
                    case "dial" -> dial(dialer, Integer.parseInt(words[1]), Long.parseLong(words[2]));
                    case "allocated" -> Long.toString(Allocation.total());
                    default -> throw new IllegalArgumentException("unknown command");
                });
            } catch (Exception e) {
                out.println("failed " + line + ": " + e.getMessage());
            }
        }
        Runtime.getRuntime().halt(0);
    }

    private static BenchDialer open(String name) throws ReflectiveOperationException {
        String type = switch (name) {
            case "netty" -> "NettyDialer";
            case "nio" -> "SelectorDialer";
            case "netpark-coroutine" -> "NetparkCoroutineDialer";
            case "netpark-callback" -> "NetparkCallbackDialer";
            default -> throw new IllegalArgumentException("no such dialer: " + name);
        };
        Class<?> found = Class.forName(Dials.class.getPackageName() + "." + type);
        return (BenchDialer) found.getDeclaredConstructor().newInstance();
    }

    private static String dial(BenchDialer dialer, int port, long millis) throws Exception {
        Round round = new Round(millis);
        dialer.start(new InetSocketAddress("127.0.0.1", port), round);
        long nanos = round.await();
        return Encoded.result(round.latencies().getTotalCount(), 0, nanos, round.latencies());
    }
}
