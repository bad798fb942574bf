package io.netpark.core.tls

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldContain
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.types.shouldBeSameInstanceAs
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.NetparkException.TlsFault
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.tls.Authority
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.Material
import java.security.cert.X509Certificate
import java.time.Duration
import java.util.concurrent.CompletableFuture
import java.util.concurrent.Executor
import javax.net.ssl.SSLContext
import javax.net.ssl.SSLEngine
import javax.net.ssl.X509TrustManager
import org.conscrypt.Conscrypt

/** What can be set, what goes together, and what is said where it does not. */
class TlsSettingsSpec : NetparkSpec(body = {
    val root = Authority.root("Root")
    val identity = root.issue("server.test")
    val context = SSLContext.getInstance("TLS").apply { init(null, null, null) }
    fun server() = ServerTls.builder().certificate(identity)
    fun client() = ClientTls.builder().trust(root)
    val plainTrust = object : X509TrustManager {
        override fun checkClientTrusted(chain: Array<X509Certificate>, authType: String) = Unit
        override fun checkServerTrusted(chain: Array<X509Certificate>, authType: String) = Unit
        override fun getAcceptedIssuers(): Array<X509Certificate> = arrayOf()
    }

    test("what is set by default, and what is set") {
        val standard = server().build()
        standard.handshakeTimeout() shouldBe Duration.ofSeconds(10)
        standard.tasksOnLoop() shouldBe false
        standard.clientAuth() shouldBe ClientAuth.NONE
        standard.applicationProtocols() shouldBe listOf()
        val executor = Executor { it.run() }
        with(server().handshakeTimeout(Duration.ofMillis(1)).taskExecutor(executor).build()) {
            handshakeTimeout() shouldBe Duration.ofMillis(1)
            taskExecutor() shouldBeSameInstanceAs executor
        }
        with(server().tasksOnLoop().build()) {
            tasksOnLoop() shouldBe true
            val thread = CompletableFuture<Thread>()
            taskExecutor().execute { thread.complete(Thread.currentThread()) }
            thread.getNow(null) shouldBe Thread.currentThread()
        }
        server().tasksOnLoop().taskExecutor(executor).build().tasksOnLoop() shouldBe false
    }

    test("tasks run on daemons that end by themselves, and that have nothing of those who came first") {
        val loader = object : ClassLoader() {}
        Thread.currentThread().contextClassLoader = loader
        val thread = CompletableFuture<Thread>()
        client().build().taskExecutor().execute { thread.complete(Thread.currentThread()) }
        with(thread.get()) {
            isDaemon shouldBe true
            name shouldContain "netpark-tls-"
            contextClassLoader shouldBe ServerTls::class.java.classLoader
        }
    }

    test("sessions are bounded") {
        OwnContext.boundSessions(context, 300, 7)
        context.serverSessionContext.sessionTimeout shouldBe 300
        context.clientSessionContext.sessionCacheSize shouldBe 7
    }

    fun wrong(name: String, expected: String, block: () -> Any) = test("refused: $name") {
        shouldThrow<IllegalArgumentException> { block() }.message!! shouldContain expected
    }

    fun unfit(name: String, expected: String, block: () -> Any) = test("refused: $name") {
        shouldThrow<IllegalStateException> { block() }.message!! shouldContain expected
    }

    for (old in listOf("SSLv3", "TLSv1", "TLSv1.1")) {
        wrong(old, "$old is broken and forbidden (RFC 8996") { server().protocols("TLSv1.3", old) }
    }
    wrong("a version that is none", "no version of TLS: 1.3") { server().protocols("1.3") }
    wrong("no version", "no protocols") { server().protocols() }
    wrong("a version twice", "twice the same of the protocols") { server().protocols("TLSv1.3", "TLSv1.3") }
    wrong("a suite that is none", "does not have [TLS_NONSENSE]") { server().cipherSuites("TLS_NONSENSE").build() }
    wrong("suites of the other version only", "no cipher suite left") {
        server().protocols("TLSv1.2").cipherSuites("TLS_AES_128_GCM_SHA256").build()
    }
    wrong("an application protocol without a name", "1 to 255 bytes") { server().applicationProtocols("h2", "") }
    wrong("an application protocol that is too long", "1 to 255 bytes") { server().applicationProtocols("x".repeat(256)) }
    wrong("no time for a handshake", "more than 0") { server().handshakeTimeout(Duration.ZERO) }
    wrong("no time for a session", "from 1 s") { server().sessionTimeout(Duration.ofMillis(999)) }
    wrong("no session in the cache", "sessionResumption(false)") { server().sessionCacheSize(0) }
    wrong("nobody to trust", "no certificate to trust") { ClientTls.builder().trust(listOf()) }
    wrong("an empty server name", "not empty") { client().serverName("") }
    unfit("a server without a certificate", "a server needs a certificate") { ServerTls.builder().build() }
    unfit("client certificates of nobody", "clientAuthorities(...)") { server().clientAuth(ClientAuth.NEEDED).build() }
    unfit("authorities of clients that are not asked", "clientAuth(...)") { server().trust(root).build() }
    unfit("a context and a certificate", "context(...) has certificates") { server().context(context).build() }
    unfit("a context and trust", "context(...) has certificates") { client().context(context).build() }
    unfit("a context and trust in anyone", "context(...) has certificates") { ClientTls.builder().trustAnyone().context(context).build() }
    unfit("engines and a certificate", "engines(...) has certificates") { server().engines { _, _ -> error("") }.build() }
    unfit("engines and a context", "either context(...) or engines(...)") {
        ServerTls.builder().context(context).engines { _, _ -> error("") }.build()
    }
    unfit("a context without its sessions", "sessions of its own") {
        ServerTls.builder().context(context).sessionResumption(false).build()
    }
    unfit("bounds for sessions of engines", "sessions of its own") {
        ServerTls.builder().engines { _, _ -> error("") }.sessionCacheSize(1).build()
    }
    unfit("unknown names where the names are not known", "only if the certificates are given here") {
        ServerTls.builder().context(context).refuseUnknownNames(true).build()
    }
    unfit("a trust manager and authorities", "a trust manager decides alone") { client().trustManager(plainTrust).build() }
    unfit("anyone and somebody", "either trustAnyone()") { client().trustAnyone().build() }
    if (Conscrypt.isAvailable()) {
        unfit("a trust manager that does not check names, where nobody else does", "X509ExtendedTrustManager") {
            ClientTls.builder().trustManager(plainTrust).provider(Conscrypt.newProvider()).build()
        }
    }
    unfit("files of engines of others", "come from elsewhere") { ServerTls.builder().engines { _, _ -> error("") }.build().reload() }

    test("a trust manager that is not extended is no way around the check of names") {
        val client = ClientTls.builder().trustManager(plainTrust).build()
        Talk(client, server().build(), "other.test").use { Diagnosis.of(it.handshake().clientFailure!!).fault() shouldBe TlsFault.WRONG_HOST }
        sessions(client, server().build())
        sessions(ClientTls.builder().trustManager(plainTrust).verifyHost(false).build(), server().build(), "other.test")
    }

    test("the check of names is turned off, or goes with trust in anyone") {
        sessions(client().verifyHost(false).build(), server().build(), "other.test")
        val other = ServerTls.builder().certificate(Authority.root("Other").issue("x")).build()
        sessions(ClientTls.builder().trustAnyone().build(), other, "other.test")
    }

    test("engines of others are taken, set up, told of their end, and refused if they do not do what is asked") {
        val netty = EngineFlavour.NETTY_OPENSSL
        if (netty.unavailability() == null) {
            netty.server(Material.server(identity)).use { servers ->
                netty.client(Material.client(root)).use { clients ->
                    val ended = mutableListOf<SSLEngine>()
                    fun counted(source: EngineSource) = EngineSource.releasing(source) {
                        ended += it
                        source.release(it)
                    }
                    val server = ServerTls.builder().engines(counted(source(servers))).protocols("TLSv1.2").build()
                    val client = ClientTls.builder().engines(counted(source(clients))).build()
                    val talk = Talk(client, server)
                    talk.use {
                        it.handshake()
                        it.clientSession.protocol() shouldBe "TLSv1.2"
                        it.clientSession.serverName() shouldBe "server.test"
                        Engines.prefersHeap(it.clientEngine) shouldBe false
                    }
                    ended shouldBe listOf(talk.clientEngine, talk.serverEngine)
                    Talk(client, server, "other.test").use { it.handshake().clientFailure.shouldNotBeNull() } // the name is checked
                    val speaking = ServerTls.builder().engines(source(servers)).applicationProtocols("h2").build()
                    shouldThrow<IllegalStateException> { Engines.of(speaking, null, -1) }.message!! shouldContain "only where it is made"
                }
            }
        }
    }

    test("the JDK's engines work on the heap") {
        Engines.prefersHeap(Engines.of(server().build(), null, -1)) shouldBe true
    }

    test("an exception of TLS keeps its fault when more is said") {
        val failure = NetparkException.TlsFailure(TlsFault.EXPIRED, "short")
        val more = NetparkException.like(failure, "longer") as NetparkException.TlsFailure
        more.fault() shouldBe TlsFault.EXPIRED
        more.message shouldBe "longer"
        NetparkException::class.java.permittedSubclasses.toList() shouldContain NetparkException.TlsFailure::class.java
    }
})
