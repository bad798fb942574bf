package io.netpark.bench.proxy;

import io.netpark.bench.server.Allocation;
import io.netpark.bench.server.Heap;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;

/**
 * A proxy's process: {@code ServeProxy PROXY PORT}, with an upstream at 127.0.0.1:PORT. Prints
 * {@code listening on 127.0.0.1:PORT}, then obeys lines on its standard input with one line each, and ends when its input does.
 *
 * <pre>
 *   allocated      bytes that all threads have allocated so far
 *   heap           bytes in use on the heap, after a collection
 * </pre>
 */
public final class ServeProxy {

    private ServeProxy() {}

    /** Serves. */
    public static void main(String[] arguments) throws Exception {
        BenchProxy proxy = open(arguments[0]);
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        out.println("listening on 127.0.0.1:" + proxy.start(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[1]))));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(switch (line) {
                case "allocated" -> Long.toString(Allocation.total());
                case "heap" -> Long.toString(Heap.used());
                default -> "unknown command: " + line;
            });
        }
        Runtime.getRuntime().halt(0);
    }

    /** By name, so that one that cannot be loaded here spoils no other. */
    private static BenchProxy open(String name) throws ReflectiveOperationException {
        String type = switch (name) {
            case "netty-copy" -> "NettyCopyProxy";
            case "netty-splice" -> "NettySpliceProxy";
            case "netpark-coroutine-copy" -> "NetparkCopyProxy";
            case "netpark-coroutine-relay" -> "NetparkRelayProxy";
            case "netpark-callback-relay" -> "NetparkCallbackProxy";
            default -> throw new IllegalArgumentException("no such proxy: " + name);
        };
        Class<?> found = Class.forName(ServeProxy.class.getPackageName() + "." + type);
        return (BenchProxy) found.getDeclaredConstructor().newInstance();
    }
}
