package io.netpark.bench.jmh;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.dialing.Connecting;
import io.netpark.core.net.listening.ListenerDescriptor;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.net.streams.ConnectionDescriptor;
import java.net.InetSocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/**
 * A connection on a loop, and a way to repeat something on the loop's thread, where it runs in earnest: a benchmark
 * hands over a batch and waits, so that the hand-over costs each operation next to nothing.
 */
@State(Scope.Thread)
public class OnLoop {

    /** Operations a hand-over: what {@code @OperationsPerInvocation} says. */
    public static final int BATCH = 10_000;

    private EventLoopGroup group;
    private ListenerDescriptor listener;
    private ConnectionDescriptor connection;

    /** Opens a connection from the loop to itself. Nothing is ever sent on it. */
    @Setup
    public void open() throws Exception {
        group = EventLoopGroup.builder().loops(1).daemon(true).open();
        listener = ListenerDescriptor.listen(group, new InetSocketAddress("127.0.0.1", 0), NetOptions.DEFAULT);
        connection = Connecting.begin(loop(), listener.localAddress(), NetOptions.DEFAULT);
    }

    /** Closes all. */
    @TearDown
    public void close() {
        group.close();
    }

    /** The loop. */
    public EventLoop loop() {
        return group.loops().get(0);
    }

    /** The connection. */
    public ConnectionDescriptor connection() {
        return connection;
    }

    /** Runs an operation {@link #BATCH} times on the loop. */
    public void repeat(Runnable operation) throws InterruptedException, ExecutionException {
        CompletableFuture<Void> done = new CompletableFuture<>();
        loop().execute(() -> {
            try {
                for (int i = 0; i < BATCH; i++) {
                    operation.run();
                }
                done.complete(null);
            } catch (RuntimeException | Error e) {
                done.completeExceptionally(e);
            }
        });
        done.get();
    }
}
