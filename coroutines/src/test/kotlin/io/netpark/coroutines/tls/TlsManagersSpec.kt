package io.netpark.coroutines.tls

import io.kotest.matchers.shouldBe
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.loopback
import io.netpark.core.testing.tls.Authority
import io.netpark.core.testing.tls.NotedManagers
import io.netpark.core.tls.ClientAuth
import io.netpark.core.tls.ClientTls
import io.netpark.core.tls.ServerTls
import io.netpark.core.tls.Tls
import io.netpark.coroutines.onReactor
import io.netpark.coroutines.readText
import io.netpark.coroutines.write
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch

/** Key managers and trust managers may wait: they are called by event loops only where that is asked for. */
class TlsManagersSpec : NetparkSpec(body = {
    val root = Authority.root("Authority of this spec")

    fun <B : Tls.Builder<B>> B.where(onLoop: Boolean, protocol: String): B =
        protocols(protocol).let { if (onLoop) it.tasksOnLoop() else it }

    for (protocol in listOf("TLSv1.3", "TLSv1.2")) for (onLoop in listOf(false, true)) {
        test("managers of keys and of trust are called ${if (onLoop) "on the loop, as wished" else "by no event loop"}: $protocol") {
            val ofServer = NotedManagers(root.issue("localhost", "127.0.0.1"), root)
            val ofClient = NotedManagers(root.issueClient("ann"), root)
            val server = ServerTls.builder().context(ofServer.context()).clientAuth(ClientAuth.NEEDED)
                .where(onLoop, protocol).build()
            val client = ClientTls.builder().context(ofClient.context()).where(onLoop, protocol).build()
            onReactor { reactor, _ ->
                val listener = reactor.listen(loopback(), tls = server)
                val serving = launch { listener.serve { it.write(it.readText(4)) } }
                reactor.dial(listener.localAddress, tls = client).use {
                    it.write("ping")
                    it.readText(4) shouldBe "ping"
                }
                serving.cancelAndJoin()
                // A connection of before may become one with TLS as well.
                val plain = reactor.listen(loopback())
                val upgrading = launch { plain.serve { it.startTls(server); it.write("done") } }
                reactor.dial(plain.localAddress).use {
                    it.startTls(client, "localhost")
                    it.readText(4) shouldBe "done"
                }
                upgrading.cancelAndJoin()
            }
            for (managers in listOf(ofServer, ofClient)) {
                managers.onLoop() shouldBe if (onLoop) setOf("key", "trust") else emptySet()
                managers.elsewhere() shouldBe if (onLoop) emptySet() else setOf("key", "trust")
            }
        }
    }
})
