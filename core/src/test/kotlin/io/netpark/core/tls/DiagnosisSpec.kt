package io.netpark.core.tls

import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldContain
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import io.kotest.matchers.string.shouldStartWith
import io.netpark.core.sys.NetparkException.TlsFault
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.tls.Authority
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.EngineFlavour.CONSCRYPT
import io.netpark.core.testing.tls.EngineFlavour.JDK
import io.netpark.core.testing.tls.EngineFlavour.NETTY_OPENSSL
import io.netpark.core.testing.tls.EngineSupply
import io.netpark.core.testing.tls.Identity
import io.netpark.core.testing.tls.KeyKind
import io.netpark.core.testing.tls.Material
import io.netpark.core.testing.tls.Order
import java.net.Socket
import java.security.KeyPairGenerator
import java.security.cert.CertStore
import java.security.cert.CollectionCertStoreParameters
import java.security.cert.PKIXBuilderParameters
import java.security.cert.X509CertSelector
import java.security.cert.X509Certificate
import javax.net.ssl.CertPathTrustManagerParameters
import javax.net.ssl.SSLEngine
import javax.net.ssl.SSLException
import javax.net.ssl.SSLHandshakeException
import javax.net.ssl.SSLPeerUnverifiedException
import javax.net.ssl.TrustManagerFactory
import javax.net.ssl.X509ExtendedTrustManager
import javax.net.ssl.X509TrustManager
import org.conscrypt.Conscrypt

/** What a server of the JDK says to a client without a certificate. */
private val SAYS_BAD_CERTIFICATE = Runtime.version().feature() == 17

private class Failing(
    val name: String,
    val server: Identity,
    /** What the client and what the server finds out, of the JDK. */
    val faults: Pair<TlsFault?, TlsFault?>,
    val host: String = "server.test",
    val version: String = "TLSv1.3",
    val client: Identity? = null,
    val mutual: Authority? = null,
    val offered: String? = null,
    val taken: String? = null,
    val serverVersion: String? = null,
    val clientSuite: String? = null,
    /** Engines whose alerts do not say it, or that do not see it. */
    val vague: Set<EngineFlavour> = setOf(),
)

/** What each failure means, with engines of three kinds on either side. */
class DiagnosisSpec : NetparkSpec(body = {
    val root = Authority.root("Root")
    val good = root.issue("server.test")
    val flavours = EngineFlavour.available()
    val refused = TlsFault.CERTIFICATE_REFUSED
    fun clientIdentity(change: Order.() -> Unit = {}, authority: Authority = root) =
        authority.order().commonName("client").forClients().apply(change).issue()

    val failing = buildList {
        val noVersion = TlsFault.NO_COMMON_PROTOCOL to TlsFault.NO_COMMON_PROTOCOL
        add(Failing("versions", good, noVersion, version = "TLSv1.2", serverVersion = "TLSv1.3"))
        add(Failing("versions the other way", good, noVersion, serverVersion = "TLSv1.2"))
        add(Failing("a suite for another key", good, TlsFault.NO_COMMON_CIPHER to TlsFault.NO_COMMON_CIPHER, version = "TLSv1.2",
            clientSuite = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"))
        for (version in listOf("TLSv1.2", "TLSv1.3")) {
            fun bad(name: String, server: Identity, fault: TlsFault, host: String = "server.test", vague: Set<EngineFlavour> = setOf()) =
                add(Failing("$name, $version", server, fault to refused, host, version, vague = vague))
            // Netty's engine sends internal_error for what has no class of its own.
            val unclassed = setOf(NETTY_OPENSSL)
            bad("an unknown authority", Authority.root("Other").issue("server.test"), TlsFault.UNKNOWN_AUTHORITY, vague = unclassed)
            val alone = root.intermediate("Lower").issue("server.test").alone()
            bad("a missing link", alone, TlsFault.UNKNOWN_AUTHORITY, vague = unclassed)
            bad("an expired certificate", root.order("server.test").expired().issue(), TlsFault.EXPIRED)
            bad("an expired authority", root.expiredIntermediate("Old").issue("server.test"), TlsFault.EXPIRED)
            bad("one that is not valid yet", root.order("server.test").notYetValid().issue(), TlsFault.NOT_YET_VALID)
            bad("another name", root.issue("other.test"), TlsFault.WRONG_HOST, vague = unclassed)
            bad("another address", root.issue("server.test", "127.0.0.2"), TlsFault.WRONG_HOST, "127.0.0.1", unclassed)
            bad("no address", root.issue("server.test"), TlsFault.WRONG_HOST, "127.0.0.1", unclassed)
            bad("one for clients", root.order("server.test").forClients().issue(), TlsFault.BAD_CERTIFICATE, vague = unclassed)
            bad("one for code", root.order("server.test").forCode().issue(), TlsFault.BAD_CERTIFICATE, vague = unclassed)
            val missing = if (version == "TLSv1.3") TlsFault.CERTIFICATE_MISSING else TlsFault.NO_COMMON_CIPHER // see the sentence
            add(Failing("no client certificate, $version", good, missing to TlsFault.CERTIFICATE_MISSING, version = version, mutual = root))
            add(Failing("an expired client certificate, $version", good, refused to TlsFault.EXPIRED, version = version, mutual = root,
                client = clientIdentity({ expired() })))
        }
        add(Failing("application protocols", good,
            TlsFault.NO_COMMON_APPLICATION_PROTOCOL to TlsFault.NO_COMMON_APPLICATION_PROTOCOL, offered = "one", taken = "other"))
    }

    val supplies = mutableListOf<EngineSupply>()
    afterSpec { supplies.forEach { it.close() } }
    fun EngineSupply.kept(): EngineSource = source(also { supplies += it })

    fun Failing.clientOf(flavour: EngineFlavour): ClientTls = with(ClientTls.builder().protocols(version)) {
        if (flavour == NETTY_OPENSSL) {
            engines(flavour.client(Material(client, listOf(root.certificate()), false, listOfNotNull(offered))).kept())
        } else {
            if (flavour == CONSCRYPT) provider(Conscrypt.newProvider())
            trust(root)
            client?.let { certificate(it) }
            offered?.let { applicationProtocols(it) }
        }
        clientSuite?.let { cipherSuites(it) }
        build()
    }

    fun Failing.serverOf(flavour: EngineFlavour): ServerTls = with(ServerTls.builder()) {
        if (flavour == NETTY_OPENSSL) {
            engines(flavour.server(Material(server, listOfNotNull(mutual?.certificate()), mutual != null, listOfNotNull(taken))).kept())
        } else {
            if (flavour == CONSCRYPT) provider(Conscrypt.newProvider())
            certificate(server)
            mutual?.let { clientAuth(ClientAuth.NEEDED).trust(it) }
            taken?.let { applicationProtocols(it) }
        }
        serverVersion?.let { protocols(it) }
        build()
    }

    fun check(what: String, failure: Throwable?, expected: TlsFault?) = withClue(what) {
        val found = failure?.let { Diagnosis.of(it) }
        withClue(found ?: failure.toString()) { found?.fault() shouldBe expected }
        found?.sentence().orEmpty().lines().size shouldBe 1
    }

    for (case in failing) test("${case.name}: ${case.faults.first} for the client, ${case.faults.second} for the server") {
        val others = flavours - JDK
        for ((clientOf, serverOf) in listOf(JDK to JDK) + others.map { it to JDK } + others.map { JDK to it }) {
            // The native ones go on without an application protocol.
            if (case.taken != null && serverOf != JDK) continue
            Talk(case.clientOf(clientOf), case.serverOf(serverOf), case.host).use {
                it.handshake()
                val misses = case.faults.second == TlsFault.CERTIFICATE_MISSING && serverOf == JDK && SAYS_BAD_CERTIFICATE
                check("client, $clientOf to $serverOf", it.clientFailure, if (misses) refused else case.faults.first)
                val told = if (clientOf in case.vague) TlsFault.ALERT else case.faults.second
                check("server, $clientOf to $serverOf", it.serverFailure, told)
            }
        }
    }

    val anybody = ClientTls.builder().trust(root).build()
    val plain = ServerTls.builder().certificate(good).build()
    fun talk(flavour: EngineFlavour) = Failing("", good, null to null).let { Talk(it.clientOf(flavour), it.serverOf(flavour)) }

    for (flavour in flavours) {
        test("$flavour: what is no TLS") {
            val others = listOf("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n")
            for (bytes in others + "\u0000".repeat(50)) {
                talk(flavour).use {
                    it.serverEngine.beginHandshake()
                    it.sendToServer(bytes.toByteArray())
                    check("server: $bytes", it.serverFailure, TlsFault.NOT_TLS)
                }
                talk(flavour).use {
                    it.clientEngine.beginHandshake()
                    it.sendToClient(bytes.toByteArray())
                    check("client: $bytes", it.clientFailure, TlsFault.NOT_TLS)
                }
            }
        }

        test("$flavour: a first record that is wrong") {
            val hello = byteArrayOf(22, 3, 1, 0, 50, 1, 0, 0, 46) + ByteArray(46) { it.toByte() }
            talk(flavour).use {
                it.serverEngine.beginHandshake()
                it.sendToServer(hello)
                check("server", it.serverFailure, TlsFault.BAD_RECORD)
            }
            talk(flavour).use {
                it.clientEngine.beginHandshake()
                it.sendToClient(hello)
                check("client", it.clientFailure, TlsFault.BAD_RECORD)
            }
        }

        test("$flavour: a record that was changed on its way") {
            talk(flavour).use {
                it.handshake()
                it.say("hello") { record -> record[20]++ }
                check("server", it.serverFailure, TlsFault.BAD_RECORD)
                if (flavour != NETTY_OPENSSL) check("client", it.clientFailure, TlsFault.ALERT)
            }
        }

        test("$flavour: leave in the middle of the handshake") {
            talk(flavour).use {
                it.serverEngine.beginHandshake()
                it.sendToServer(byteArrayOf(21, 3, 3, 0, 2, 1, 0)) // close_notify
                check("server", it.serverFailure, TlsFault.ENDED)
            }
        }

        test("$flavour: an alert that says nothing of the others") {
            talk(flavour).use {
                it.serverEngine.beginHandshake()
                it.sendToServer(byteArrayOf(21, 3, 3, 0, 2, 2, 80)) // internal_error
                check("server", it.serverFailure, TlsFault.ALERT)
            }
        }
    }

    test("a client whose certificate has another authority than the server wants does not show it") {
        val case = Failing("", good, null to null, client = clientIdentity(authority = Authority.root("Other")), mutual = root)
        Talk(case.clientOf(JDK), case.serverOf(JDK)).use {
            it.handshake()
            check("client", it.clientFailure, if (SAYS_BAD_CERTIFICATE) refused else TlsFault.CERTIFICATE_MISSING)
            check("server", it.serverFailure, TlsFault.CERTIFICATE_MISSING)
        }
    }

    test("a name that is refused") {
        val server = ServerTls.builder().certificate(root.issue("other.test")).refuseUnknownNames(true).build()
        Talk(anybody, server).use {
            it.handshake()
            check("client", it.clientFailure, TlsFault.UNKNOWN_NAME)
            check("server", it.serverFailure, TlsFault.UNKNOWN_NAME)
        }
    }

    test("a certificate that its authority has taken back") {
        val parameters = PKIXBuilderParameters(root.trustStore(), X509CertSelector())
        val list = CollectionCertStoreParameters(listOf(root.revoking(good.certificate())))
        parameters.addCertStore(CertStore.getInstance("Collection", list))
        val factory = TrustManagerFactory.getInstance("PKIX").apply { init(CertPathTrustManagerParameters(parameters)) }
        val client = ClientTls.builder().trustManager(factory.trustManagers.single() as X509TrustManager).build()
        Talk(client, plain).use { check("client", it.handshake().clientFailure, TlsFault.REVOKED) }
        // Nobody says anything of this one.
        val other = ServerTls.builder().certificate(Authority.root("Root").issue("server.test")).build()
        Talk(client, other).use { check("client", it.handshake().clientFailure, TlsFault.UNKNOWN_AUTHORITY) }
    }

    test("a key that is too weak") {
        val weak = KeyPairGenerator.getInstance("RSA").apply { initialize(512) }.generateKeyPair()
        val server = ServerTls.builder().certificate(root.order("server.test").keys(weak).issue()).protocols("TLSv1.2").build()
        Talk(anybody, server).use {
            it.handshake()
            listOf(TlsFault.BAD_CERTIFICATE, TlsFault.NO_COMMON_CIPHER, TlsFault.CERTIFICATE_REFUSED) shouldContain
                Diagnosis.of((it.clientFailure ?: it.serverFailure).shouldNotBeNull()).fault()
        }
    }

    test("a key that may not sign") {
        val server = ServerTls.builder().certificate(root.order("server.test").forAgreementOnly().issue()).build()
        for (version in EngineFlavour.PROTOCOLS) for (flavour in flavours) {
            Talk(Failing("", good, null to null, version = version).clientOf(flavour), server).use {
                it.handshake()
                check("client, $flavour, $version", it.clientFailure, TlsFault.BAD_CERTIFICATE)
            }
        }
    }

    test("a key that one engine has and the other has not") {
        val server = ServerTls.builder().certificate(root.order("server.test").key(KeyKind.ED25519).issue()).build()
        for (flavour in flavours - JDK) {
            Talk(Failing("", good, null to null).clientOf(flavour), server).use {
                check("$flavour", it.handshake().serverFailure, TlsFault.NO_COMMON_CIPHER)
            }
        }
    }

    test("a trust manager that fails for a reason of its own") {
        val broken = object : X509ExtendedTrustManager() {
            private fun fail(): Nothing = throw IllegalStateException("the directory is on fire")
            override fun checkClientTrusted(chain: Array<X509Certificate>, type: String, socket: Socket) = fail()
            override fun checkServerTrusted(chain: Array<X509Certificate>, type: String, socket: Socket) = fail()
            override fun checkClientTrusted(chain: Array<X509Certificate>, type: String, engine: SSLEngine) = fail()
            override fun checkServerTrusted(chain: Array<X509Certificate>, type: String, engine: SSLEngine) = fail()
            override fun checkClientTrusted(chain: Array<X509Certificate>, type: String) = fail()
            override fun checkServerTrusted(chain: Array<X509Certificate>, type: String) = fail()
            override fun getAcceptedIssuers(): Array<X509Certificate> = arrayOf()
        }
        Talk(ClientTls.builder().trustManager(broken).build(), plain).use {
            val diagnosis = Diagnosis.of(it.handshake().clientFailure!!)
            diagnosis.fault() shouldBe TlsFault.ENGINE
            diagnosis.sentence() shouldContain "the directory is on fire"
        }
    }

    test("words of engines that are not here") {
        for ((words, fault) in listOf(
            "error:0A00010B:SSL routines::wrong version number" to TlsFault.NOT_TLS,
            "error:0A00009C:SSL routines::http request" to TlsFault.NOT_TLS,
            "error:0A000418:SSL routines::tlsv1 alert unknown ca" to TlsFault.CERTIFICATE_REFUSED,
            "error:0A000412:SSL routines::sslv3 alert bad certificate" to TlsFault.CERTIFICATE_REFUSED,
            "error:0A00042E:SSL routines::tlsv1 alert protocol version" to TlsFault.NO_COMMON_PROTOCOL,
            "error:0A000460:SSL routines::reason(1120) tlsv1 alert no application protocol" to TlsFault.NO_COMMON_APPLICATION_PROTOCOL,
            "error:0A000458:SSL routines::tlsv1 unrecognized name" to TlsFault.UNKNOWN_NAME,
            "error:0A0000C1:SSL routines::no shared cipher" to TlsFault.NO_COMMON_CIPHER,
            "error:0A000086:SSL routines::certificate verify failed" to TlsFault.BAD_CERTIFICATE,
            "error:0A0000C7:SSL routines::peer did not return a certificate" to TlsFault.CERTIFICATE_MISSING,
            "error:0A000119:SSL routines::decryption failed or bad record mac" to TlsFault.BAD_RECORD,
            "Received fatal alert: no_renegotiation" to TlsFault.RENEGOTIATION,
            "Client initiated renegotiation is not allowed" to TlsFault.RENEGOTIATION,
            "Received fatal alert: user_canceled" to TlsFault.ENDED,
            "closing inbound before receiving peer's close_notify" to TlsFault.ENDED,
            "No appropriate protocol (protocol is disabled or cipher suites are inappropriate)" to TlsFault.NO_COMMON_PROTOCOL,
            "Invalid CertificateVerify signature" to TlsFault.BAD_CERTIFICATE,
            "whatever" to TlsFault.ENGINE,
            null to TlsFault.ENGINE,
        )) {
            check("$words", SSLHandshakeException(words), fault)
            check("wrapped: $words", SSLException("something", SSLHandshakeException(words)), fault)
        }
        check("", SSLPeerUnverifiedException("Certificate for <a> doesn't match"), TlsFault.WRONG_HOST)
    }

    test("a sentence is one line of words that can be read, and of bounded length, whatever comes from the peer") {
        val sentence = Diagnosis.of(SSLException("bad\r\nmessage\u0000\u001b[31m" + "x".repeat(10_000))).sentence()
        sentence.none { it.isISOControl() } shouldBe true
        (sentence.length < 500) shouldBe true
        val nested = SSLException("outer").apply { initCause(RuntimeException("inner", this)) } // a circle
        Diagnosis.of(nested).fault() shouldBe TlsFault.ENGINE
        talk(flavours.last()).use {
            it.serverEngine.beginHandshake()
            it.sendToServer(byteArrayOf(21, 3, 3, 0, 2, 2, 40))
            Diagnosis.of(it.serverFailure!!).sentence() shouldNotContain "0x"
        }
    }

    test("the exception names what was attempted") {
        val failure = Diagnosis.of(SSLException("whatever")).failure("TLS handshake with 10.0.0.1:80")
        failure.fault() shouldBe TlsFault.ENGINE
        failure.message!! shouldStartWith "TLS handshake with 10.0.0.1:80: the engine failed (whatever)"
        failure.cause shouldBe null
    }
})
