package io.netpark.coroutines

import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.linux.Linux
import io.netpark.core.sys.LibC
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.loopback
import kotlinx.coroutines.launch
import java.util.concurrent.atomic.AtomicInteger

class HangUpSpec : NetparkSpec(body = {
    for (flavour in allAndOrdered) {
        test("$flavour: a listener that another holder shuts down ends serving with a report; who is served already is served on") {
            val listening = AtomicInteger()
            val libc = object : LibC by flavour.libc {
                override fun listen(fd: Int, backlog: Int): Int = flavour.libc.listen(fd, backlog).also { listening.set(fd) }
            }
            onReactor(libc, flavour.poller.factory) { reactor, reports ->
                val listener = reactor.listen(loopback())
                val serving = launch { listener.serve { echo(it) } }
                reactor.dial(listener.localAddress).use { client ->
                    client.write("before")
                    client.readText(6) shouldBe "before"
                    libc.shutdown(listening.get(), Linux.SHUT_RDWR) shouldBe 0
                    soon { listener.isOpen shouldBe false }
                    client.write("after")
                    client.readText(5) shouldBe "after"
                    client.shutdownOutput()
                    client.readToEnd().size shouldBe 0
                }
                serving.join()
                val report = reports.drain().single()
                report.what shouldContain "has ended"
                report.cause.message!! shouldContain "does not listen any more"
            }
        }
    }
})
