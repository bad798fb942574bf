package io.netpark.coroutines.tls

import io.kotest.core.test.Enabled
import io.kotest.matchers.shouldBe
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.loopback
import io.netpark.core.testing.tls.Authority
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.NotedManagers
import io.netpark.core.tls.ClientAuth
import io.netpark.core.tls.ClientTls
import io.netpark.core.tls.EngineSource
import io.netpark.core.tls.ServerTls
import io.netpark.core.tls.Tls
import io.netpark.coroutines.onReactor
import io.netpark.coroutines.readText
import io.netpark.coroutines.write
import io.netty.buffer.UnpooledByteBufAllocator
import io.netty.handler.ssl.ClientAuth as NettyClientAuth
import io.netty.handler.ssl.SslContext
import io.netty.handler.ssl.SslContextBuilder
import io.netty.handler.ssl.SslProvider
import io.netty.util.ReferenceCountUtil
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import org.conscrypt.Conscrypt

/** Key managers and trust managers may wait: they are called by event loops only where that is asked for. */
class TlsManagersSpec : NetparkSpec(body = {
    val root = Authority.root("Authority of this spec")

    /** Netty's engines of OpenSSL, which have tasks as well. */
    fun NotedManagers.netty(builder: SslContextBuilder): SslContext =
        builder.trustManager(trustManager()).endpointIdentificationAlgorithm(null).protocols(EngineFlavour.PROTOCOLS)
            .sslProvider(SslProvider.OPENSSL_REFCNT).build()

    fun SslContext.source(): EngineSource = EngineSource.releasing(
        { host, port -> UnpooledByteBufAllocator.DEFAULT.let { if (host == null) newEngine(it) else newEngine(it, host, port) } },
        { ReferenceCountUtil.release(it) },
    )

    /** A question and its answer, of a connection with TLS from the beginning, and of one that becomes such. */
    fun exchange(server: ServerTls, client: ClientTls) = onReactor { reactor, _ ->
        val listener = reactor.listen(loopback(), tls = server)
        val serving = launch { listener.serve { it.write(it.readText(4)) } }
        reactor.dial(listener.localAddress, tls = client).use {
            it.write("ping")
            it.readText(4) shouldBe "ping"
        }
        serving.cancelAndJoin()
        val plain = reactor.listen(loopback())
        val upgrading = launch { plain.serve { it.startTls(server); it.write("done") } }
        reactor.dial(plain.localAddress).use {
            it.startTls(client, "localhost")
            it.readText(4) shouldBe "done"
        }
        upgrading.cancelAndJoin()
    }

    fun <B : Tls.Builder<B>> B.where(onLoop: Boolean, protocol: String): B =
        protocols(protocol).let { if (onLoop) it.tasksOnLoop() else it }

    for (protocol in listOf("TLSv1.3", "TLSv1.2")) for (onLoop in listOf(false, true)) {
        test("managers of keys and of trust are called ${if (onLoop) "on the loop, as wished" else "by no event loop"}: $protocol") {
            val ofServer = NotedManagers(root.issue("localhost", "127.0.0.1"), root)
            val ofClient = NotedManagers(root.issueClient("ann"), root)
            val server = ServerTls.builder().context(ofServer.context()).clientAuth(ClientAuth.NEEDED)
                .where(onLoop, protocol).build()
            val client = ClientTls.builder().context(ofClient.context()).where(onLoop, protocol).build()
            exchange(server, client)
            for (managers in listOf(ofServer, ofClient)) {
                managers.onLoop() shouldBe if (onLoop) setOf("key", "trust") else emptySet()
                managers.elsewhere() shouldBe if (onLoop) emptySet() else setOf("key", "trust")
            }
        }
    }

    // As the guide says: such an engine has no tasks that could be run elsewhere.
    for (protocol in EngineFlavour.PROTOCOLS) {
        test("Conscrypt calls managers of keys and of trust on the loop, whatever is wished: $protocol").config(
            enabledOrReasonIf = { EngineFlavour.CONSCRYPT.unavailability()?.let { Enabled.disabled(it) } ?: Enabled.enabled },
        ) {
            val ofServer = NotedManagers(root.issue("localhost", "127.0.0.1"), root)
            val ofClient = NotedManagers(root.issueClient("ann"), root)
            val provider = Conscrypt.newProvider()
            exchange(
                ServerTls.builder().context(ofServer.context(provider)).clientAuth(ClientAuth.NEEDED).protocols(protocol).build(),
                ClientTls.builder().context(ofClient.context(provider)).protocols(protocol).build(),
            )
            for (managers in listOf(ofServer, ofClient)) {
                managers.onLoop() shouldBe setOf("key", "trust")
                managers.elsewhere() shouldBe emptySet()
            }
        }
    }

    for (protocol in EngineFlavour.PROTOCOLS) {
        test("managers of keys and of trust are called by no event loop with engines of Netty's OpenSSL either: $protocol").config(
            enabledOrReasonIf = { EngineFlavour.NETTY_OPENSSL.unavailability()?.let { Enabled.disabled(it) } ?: Enabled.enabled },
        ) {
            val ofServer = NotedManagers(root.issue("localhost", "127.0.0.1"), root)
            val ofClient = NotedManagers(root.issueClient("ann"), root)
            val contexts = listOf(
                ofServer.netty(SslContextBuilder.forServer(ofServer.keyManager()).clientAuth(NettyClientAuth.REQUIRE)),
                ofClient.netty(SslContextBuilder.forClient().keyManager(ofClient.keyManager())),
            )
            try {
                exchange(
                    ServerTls.builder().engines(contexts[0].source()).protocols(protocol).build(),
                    ClientTls.builder().engines(contexts[1].source()).protocols(protocol).build(),
                )
            } finally {
                contexts.forEach { ReferenceCountUtil.release(it) }
            }
            for (managers in listOf(ofServer, ofClient)) {
                managers.onLoop() shouldBe emptySet()
                managers.elsewhere() shouldBe setOf("key", "trust")
            }
        }
    }
})
