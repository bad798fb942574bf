package io.netpark.bench.jmh

import io.netpark.coroutines.ConnectionPool
import io.netpark.coroutines.Reactor
import kotlinx.coroutines.runBlocking

/** A coroutine on a loop, and a pool whose connections live there. Nothing is ever sent on them. */
public class PoolUser : AutoCloseable {

    private val reactor = Reactor(loops = 1) { daemon(true) }
    private val server = reactor.listen("127.0.0.1", 0).localAddress // its backlog holds the connection
    private val pool = ConnectionPool(reactor)

    /** Uses a connection [BATCH] times, for nothing. */
    public fun use(): Unit = runBlocking(reactor.loopDispatchers.single()) {
        repeat(BATCH) {
            pool.use(server) { }
        }
    }

    /** Whether all uses so far were of the same connection. */
    public fun usedOneOnly(): Boolean = pool.snapshot().run { created == 1L && open == 1 && borrowed > 1 }

    override fun close() {
        pool.close()
        reactor.close()
    }

    public companion object {
        /** Uses a call. */
        public const val BATCH: Int = 1_000
    }
}
