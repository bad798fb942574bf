package io.netpark.core.net

import io.kotest.assertions.withClue
import io.kotest.matchers.shouldBe
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import java.io.FileInputStream

class BacklogSpec : NetparkSpec(body = {
    val somaxconn = FileInputStream("/proc/sys/net/core/somaxconn").use { String(it.readNBytes(100)).trim().toInt() }

    test("the backlog is the whole number that the system allows, not its first digit") {
        Backlog.ofSystem() shouldBe minOf(somaxconn, 0xFFFF)
    }

    test("so many connections wait to be accepted that a burst loses none") {
        val burst = minOf(somaxconn, 500)
        TestReactor().use { reactor ->
            reactor.listen().use { listener ->
                val clients = List(burst) { reactor.dial(listener.address) }
                // A handshake that the queue had no room for would be tried again after a second at the earliest.
                val waited = clients.count { it.connection.startConnect() != 0 }
                withClue("connections that were not established at once") { waited shouldBe 0 }
                repeat(burst) { listener.accept().close() }
                clients.forEach { it.close() }
            }
        }
    }
})
