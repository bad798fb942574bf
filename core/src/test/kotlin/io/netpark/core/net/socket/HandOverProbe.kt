package io.netpark.core.net.socket

import io.netpark.core.net.listening.ListenerDescriptor
import io.netpark.core.net.options.NetOptions
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.BlockingListener
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.result
import java.util.concurrent.atomic.AtomicInteger

/** The process that succeeds another in [HandOverSpec]: gets the listening socket by a unix socket, and says how many it served. */
fun main(arguments: Array<String>) = TestReactor(loops = 2).use { reactor ->
    val served = AtomicInteger()
    reactor.connect(UnixAddress.path(arguments[0])).use { old ->
        BlockingListener(ListenerDescriptor.adopt(reactor.group, old.receivePassed(), NetOptions.DEFAULT, null)).use { listener ->
            val accepting = async { answerAll(listener, "n", served) }
            old.write("!")
            old.readText(1) // all is over
            listener.close()
            accepting.result()
        }
    }
    println(served.get())
}
