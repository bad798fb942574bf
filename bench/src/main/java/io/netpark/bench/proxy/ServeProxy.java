package io.netpark.bench.proxy;

import io.netpark.bench.server.Console;
import java.net.InetSocketAddress;

/** A proxy's process: {@code ServeProxy PROXY PORT}, with an upstream at 127.0.0.1:PORT, and a {@link Console}. */
public final class ServeProxy {

    private ServeProxy() {}

    /** Serves. */
    public static void main(String[] arguments) throws Exception {
        int port = open(arguments[0]).start(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[1])));
        Console.run(port, words -> "unknown command: " + words[0]);
    }

    /** By name, so that one that cannot be loaded here spoils no other. */
    private static BenchProxy open(String name) throws ReflectiveOperationException {
        String type = switch (name) {
            case "netty-copy" -> "NettyCopyProxy";
            case "netty-splice" -> "NettySpliceProxy";
            case "netpark-coroutine-heap" -> "NetparkHeapProxy";
            case "netpark-coroutine-copy" -> "NetparkCopyProxy";
            case "netpark-coroutine-relay" -> "NetparkRelayProxy";
            case "netpark-callback-relay" -> "NetparkCallbackProxy";
            default -> throw new IllegalArgumentException("no such proxy: " + name);
        };
        Class<?> found = Class.forName(ServeProxy.class.getPackageName() + "." + type);
        return (BenchProxy) found.getDeclaredConstructor().newInstance();
    }
}
