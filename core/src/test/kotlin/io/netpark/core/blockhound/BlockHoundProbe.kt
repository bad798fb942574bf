package io.netpark.core.blockhound

import io.netpark.core.sys.Binding
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.use
import reactor.blockhound.BlockHound
import reactor.blockhound.BlockingOperationError
import java.time.Duration
import java.util.concurrent.Callable
import java.util.concurrent.ExecutionException
import java.util.concurrent.TimeUnit
import kotlin.system.exitProcess

/** Exits with 0 if BlockHound finds what blocks on a loop, and nothing else. */
fun main() {
    BlockHound.install()
    TestReactor(Binding.defaultLibC(), loops = 2, configure = { metrics(true).watchdog(Duration.ofSeconds(10)) }).use { reactor ->
        reactor.pair().use { client, server ->
            client.write("hello")
            check(String(server.readFully(5)) == "hello")
        }
        check(reactor.loop.submit(Callable { 1 }).get() == 1)
        reactor.loop.schedule({}, 10, TimeUnit.MILLISECONDS).get()
        reactor.group.resize(3)
        reactor.group.resize(1)
        try {
            reactor.loop.submit { Thread.sleep(10) }.get()
            println("Thread.sleep on a loop was not caught")
            exitProcess(1)
        } catch (e: ExecutionException) {
            check(e.cause is BlockingOperationError) { "not as expected: ${e.cause}" }
        }
    }
    exitProcess(0)
}
