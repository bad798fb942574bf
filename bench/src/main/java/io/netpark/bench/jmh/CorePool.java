package io.netpark.bench.jmh;

import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.dialing.Dialer;
import io.netpark.core.net.listening.ListenerDescriptor;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.pool.Pool;
import io.netpark.core.pool.PoolOptions;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** The core's pool, shared by the threads of a benchmark. Nothing is ever sent on its connections. */
@State(Scope.Benchmark)
public class CorePool {

    private EventLoopGroup group;
    private SocketAddress server;
    private Pool pool;

    /** Listens; the backlog holds what connects. */
    @Setup
    public void open() throws Exception {
        group = EventLoopGroup.builder().loops(1).daemon(true).open();
        server = ListenerDescriptor.listen(group, new InetSocketAddress("127.0.0.1", 0), NetOptions.DEFAULT).localAddress();
        pool = new Pool(Dialer.of(group), PoolOptions.DEFAULT);
    }

    /** Closes all. */
    @TearDown
    public void close() {
        pool.close();
        group.close();
    }

    void borrow(Pool.Borrower borrower) {
        pool.borrow(server, borrower);
    }

    /** Whether all borrowers so far have had the same connection, one after the other. */
    public boolean lentOneOnly() {
        return pool.snapshot().created() == 1 && pool.snapshot().open() == 1;
    }

    /** Runs a batch on the loop of the connections. */
    void onLoop(Runnable batch) throws InterruptedException, ExecutionException {
        CompletableFuture.runAsync(batch, group.first()).get();
    }
}
