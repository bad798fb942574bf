package io.netpark.bench.dial

import io.netpark.coroutines.Reactor
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.yield
import java.io.IOException
import java.net.InetSocketAddress

/** Netpark's coroutine API: one reactor of one loop, a coroutine a chain. */
internal class NetparkCoroutineDialer : BenchDialer {

    private val reactor = Reactor(loops = 1)
    private val dialer = reactor.dialer.withOptions(NetparkOptions.SAME_FOR_ALL)
    private val scope = CoroutineScope(reactor.loopDispatchers.single())

    override fun start(listener: InetSocketAddress, round: Round) {
        repeat(Round.AT_A_TIME) {
            scope.launch { dial(listener, round) }
        }
    }

    private suspend fun dial(listener: InetSocketAddress, round: Round) {
        try {
            while (round.goesOn()) {
                val start = System.nanoTime()
                val connection = reactor.dial(dialer, listener)
                round.dialed(start)
                connection.close()
                yield() // on loopback a dial is often over when it has begun: the other chains must have their turns
            }
        } catch (e: IOException) {
            round.failed(e)
        }
    }
}
