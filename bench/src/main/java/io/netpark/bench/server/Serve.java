package io.netpark.bench.server;

import io.netpark.bench.server.Service.Mode;
import io.netpark.core.loop.EventLoopGroup;
import java.util.Locale;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * A server's process: {@code Serve SERVER MODE BLOCK BUFFER}, with a {@link Console} that knows some commands more.
 *
 * <pre>
 *   tasks COUNT    hands the loop tasks from this thread: percentiles of the nanoseconds until each ran
 *   look WHAT      begins to look at the loop again and again: nothing, connections, health or dump
 *   looked         ends that, and says what it was like
 * </pre>
 */
public final class Serve {

    private Serve() {}

    /** Serves. */
    public static void main(String[] arguments) throws Exception {
        Mode mode = Mode.valueOf(arguments[1].toUpperCase(Locale.ROOT));
        BenchServer server = mode == Mode.HTTP ? openHttp(arguments[0]) : open(arguments[0]);
        Service service = new Service(mode, Integer.parseInt(arguments[2]), Integer.parseInt(arguments[3]));
        int port = server.start(service);
        Executor loop = server.loop();
        TaskClock clock = loop == null ? null : new TaskClock(loop);
        EventLoopGroup group = server.group();
        Looker looker = group == null ? null : new Looker(group);
        Console.run(port, words -> switch (words[0]) {
            case "tasks" -> tasks(clock, Integer.parseInt(words[1]));
            case "look" -> looker == null ? "none" : looker.begin(words[1]);
            case "looked" -> looker == null ? "none" : looker.end();
            default -> "unknown command: " + words[0];
        });
    }

    /** By name, so that a JDK that lacks what one server needs can run the others. */
    private static BenchServer open(String name) throws ReflectiveOperationException {
        String type = switch (name) {
            case "netty" -> "NettyServer";
            case "nio" -> "SelectorServer";
            case "vt" -> "VirtualThreadServer";
            case "ktor" -> "KtorServer";
            case "netpark-coroutine" -> "NetparkCoroutineServer";
            case "netpark-callback" -> "NetparkCallbackServer";
            case "netpark-metered" -> "MeteredCallbackServer";
            case "netpark-observed" -> "ObservedCallbackServer";
            default -> throw new IllegalArgumentException("no such server: " + name);
        };
        return make(type);
    }

    private static BenchServer openHttp(String name) throws ReflectiveOperationException {
        return make(switch (name) {
            case "netty" -> "NettyServer";
            case "ktor" -> "KtorHttpServer";
            case "netpark-coroutine" -> "NetparkHttpServer";
            default -> throw new IllegalArgumentException("no such server of HTTP: " + name);
        });
    }

    private static BenchServer make(String type) throws ReflectiveOperationException {
        Class<?> found = Class.forName(Serve.class.getPackageName() + "." + type);
        return (BenchServer) found.getDeclaredConstructor().newInstance();
    }

    private static String tasks(@Nullable TaskClock clock, int count) throws InterruptedException {
        return clock == null ? "none" : clock.measure(count);
    }
}
