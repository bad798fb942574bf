package io.netpark.coroutines.tls

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldContain
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.types.shouldBeInstanceOf
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.NetparkException.TlsFault
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.needs
import io.netpark.core.testing.tls.Authority
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.KeyKind
import io.netpark.core.testing.tls.OthersServer
import io.netpark.core.tls.ClientTls
import io.netpark.coroutines.Connection
import io.netpark.coroutines.Reactor
import io.netpark.coroutines.onReactor
import io.netpark.coroutines.pattern
import io.netpark.coroutines.readText
import io.netpark.coroutines.readToEnd
import io.netpark.coroutines.write
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.coroutineScope

/** Clients of TLS with servers that are not Netpark's. What those of OpenSSL say differs by version, and is matched loosely. */
class OthersServerSpec : NetparkSpec(body = {
    val openssl = needs("openssl", "version")
    val gnutls = needs("gnutls-serv", "--version")
    val root = Authority.root("Authority of this spec")
    val identity = root.issue("localhost", "127.0.0.1")
    val ofRsa = root.order("localhost", "127.0.0.1").key(KeyKind.RSA).issue() // GnuTLS reads no key of EC as the JDK writes it
    val ada = root.issueClient("Ada")

    fun client(protocol: String? = null, configure: ClientTls.Builder.() -> Unit = {}): ClientTls = ClientTls.builder()
        .trust(listOf(root.certificate())).apply { if (protocol != null) protocols(protocol) }.apply(configure).build()

    suspend fun Reactor.dial(server: OthersServer, tls: ClientTls) = dial("127.0.0.1", server.port(), tls = tls)

    /** Of a connection that the server does not want: a client of TLS 1.3 has ended its handshake before it hears so. */
    suspend fun Reactor.failureOf(server: OthersServer, tls: ClientTls): NetparkException =
        shouldThrow<NetparkException> { dial(server, tls).use { it.readToEnd() } }

    for (protocol in EngineFlavour.PROTOCOLS) {
        val option = if (protocol == "TLSv1.3") "-tls1_3" else "-tls1_2"

        test("openssl s_server, $protocol: questions and answers, and new keys of the server's in between").config(
            enabledOrReasonIf = { openssl },
        ) {
            OthersServer.openssl(identity, null, option).use { server ->
                onReactor { reactor, _ ->
                    reactor.dial(server, client()).use { connection ->
                        connection.tlsSession!!.protocol() shouldBe protocol
                        connection.tlsSession!!.peerCertificates() shouldBe identity.chain()
                        for (round in 1..4) {
                            if (protocol == "TLSv1.3") for (letter in listOf("k", "K")) {
                                server.say(letter)
                                server.await("KeyUpdate") // it has sent one
                            }
                            server.say("a question $round")
                            connection.readText("a question $round\n".length) shouldBe "a question $round\n"
                            if (protocol == "TLSv1.3") server.await("KeyUpdate") // K asks for one
                            connection.write("answer $round\n")
                            server.await("answer $round")
                        }
                        // And while a read waits, which answers them and goes on to wait. This thread blocks meanwhile.
                        if (protocol == "TLSv1.3") coroutineScope {
                            val reading = async(Dispatchers.IO) { connection.readText(5) }
                            repeat(3) {
                                server.say("K")
                                repeat(2) { server.await("KeyUpdate") }
                            }
                            reading.isCompleted shouldBe false
                            server.say("data")
                            reading.await() shouldBe "data\n"
                        }
                    }
                    server.await("DONE") // by close_notify, and not by an error
                }
            }
        }

        test("openssl s_server, $protocol: a page and a large file, up to their ends; sessions are resumed").config(
            enabledOrReasonIf = { openssl },
        ) {
            onReactor { reactor, _ ->
                suspend fun Connection.get(path: String): ByteArray {
                    write("GET /$path HTTP/1.0\r\n\r\n")
                    return readToEnd()
                }
                OthersServer.openssl(identity, null, option, "-www").use { server ->
                    val tls = client()
                    for (kind in listOf("New", "Reused", "Reused")) reactor.dial(server, tls).use { connection ->
                        val page = connection.get("").decodeToString()
                        page shouldContain "200 ok"
                        page shouldContain "$kind, TLSv1." // in OpenSSL 3.0 the version is that of the suite
                        page shouldContain "</"
                        connection.tlsSession!!.resumed() shouldBe (kind == "Reused")
                    }
                }
                OthersServer.openssl(identity, null, option, "-WWW").use { server ->
                    val content = pattern(3_000_000)
                    server.put("large", content)
                    reactor.dial(server, client()).use { connection ->
                        val answer = connection.get("large")
                        answer.copyOfRange(answer.size - content.size, answer.size).contentEquals(content) shouldBe true
                    }
                }
            }
        }

        test("openssl s_server, $protocol: its early end is told as what it is, and a dial after that is refused").config(
            enabledOrReasonIf = { openssl },
        ) {
            onReactor { reactor, _ ->
                OthersServer.openssl(identity, null, option).use { server ->
                    reactor.dial(server, client()).use { connection ->
                        server.say("last words")
                        connection.readText(11) shouldBe "last words\n"
                        server.say("Q")
                        // OpenSSL 3.0 closes the socket before it sends close_notify.
                        val end = runCatching { connection.readToEnd() }
                        withClue(end) { (end.isSuccess || end.exceptionOrNull() is NetparkException.Truncated) shouldBe true }
                    }
                }
                OthersServer.openssl(identity, null, option).use { server ->
                    reactor.dial(server, client()).use { connection ->
                        server.say("last words")
                        connection.readText(11) shouldBe "last words\n"
                        server.kill()
                        shouldThrow<NetparkException> { connection.readToEnd() }.shouldBeInstanceOf<NetparkException.Truncated>()
                    }
                }
                val gone = OthersServer.openssl(identity, null, option).also { it.close() }
                shouldThrow<NetparkException.Refused> { reactor.dial(gone, client()) }
            }
        }

        test("openssl s_server, $protocol: it wants a certificate").config(enabledOrReasonIf = { openssl }) {
            OthersServer.openssl(identity, root, option).use { server ->
                onReactor { reactor, _ ->
                    reactor.dial(server, client { certificate(ada.chain(), ada.key()) }).use { connection ->
                        server.say("hello")
                        connection.readText(6) shouldBe "hello\n"
                        connection.write("hello\n")
                        server.await("hello")
                    }
                    val missing = reactor.failureOf(server, client()).shouldBeInstanceOf<NetparkException.TlsFailure>()
                    // Before TLS 1.3 there is no alert of its own for it.
                    missing.fault() shouldBe if (protocol == "TLSv1.3") TlsFault.CERTIFICATE_MISSING else TlsFault.NO_COMMON_CIPHER
                    missing.message!! shouldContain "wants a certificate"
                    val stranger = Authority.root("a stranger").issueClient("Eve")
                    val refused = reactor.failureOf(server, client { certificate(stranger.chain(), stranger.key()) })
                    withClue(refused) {
                        // An engine shows no certificate of an authority that the server does not name.
                        listOf(TlsFault.CERTIFICATE_MISSING, TlsFault.CERTIFICATE_REFUSED, TlsFault.NO_COMMON_CIPHER) shouldContain
                            refused.shouldBeInstanceOf<NetparkException.TlsFailure>().fault()
                    }
                }
            }
        }

        val name = "gnutls-serv, $protocol: much comes back, a session is resumed, the end is an end"
        test(name).config(enabledOrReasonIf = { gnutls }) {
            val priority = if (protocol == "TLSv1.3") "NORMAL:-VERS-ALL:+VERS-TLS1.3" else "NORMAL:-VERS-ALL:+VERS-TLS1.2"
            OthersServer.gnutls(ofRsa, null, "--priority", priority).use { server ->
                onReactor { reactor, _ ->
                    val tls = client()
                    for (resumed in listOf(false, true)) reactor.dial("localhost", server.port(), tls = tls).use { connection ->
                        connection.tlsSession!!.protocol() shouldBe protocol
                        connection.tlsSession!!.resumed() shouldBe resumed
                        for (round in 1..200) {
                            val line = "$round: ${"x".repeat(round * 5)}\n"
                            connection.write(line)
                            connection.readText(line.length) shouldBe line
                        }
                        connection.shutdownOutput()
                        connection.readToEnd().size shouldBe 0
                    }
                }
            }
        }

        test("gnutls-serv, $protocol: it wants a certificate").config(enabledOrReasonIf = { gnutls }) {
            val priority = if (protocol == "TLSv1.3") "NORMAL:-VERS-ALL:+VERS-TLS1.3" else "NORMAL:-VERS-ALL:+VERS-TLS1.2"
            OthersServer.gnutls(ofRsa, root, "--priority", priority).use { server ->
                onReactor { reactor, _ ->
                    reactor.dial(server, client { certificate(ada.chain(), ada.key()) }).use { connection ->
                        connection.write("hello\n")
                        connection.readText(6) shouldBe "hello\n"
                    }
                    reactor.failureOf(server, client()).shouldBeInstanceOf<NetparkException.TlsFailure>()
                }
            }
        }
    }

    test("a server of another name, and of an unknown authority, and one with another version").config(
        enabledOrReasonIf = { openssl },
    ) {
        onReactor { reactor, _ ->
            OthersServer.openssl(root.issue("other.test"), null).use { server ->
                for (host in listOf("localhost", "127.0.0.1")) {
                    val failure = shouldThrow<NetparkException.TlsFailure> { reactor.dial(host, server.port(), tls = client()) }
                    failure.fault() shouldBe TlsFault.WRONG_HOST
                    failure.message!! shouldContain host
                }
                reactor.dial("localhost", server.port(), tls = client { serverName("other.test") }).use {
                    it.write("hello\n")
                    server.await("hello")
                }
            }
            OthersServer.openssl(Authority.root("a stranger").issue("127.0.0.1"), null).use { server ->
                val refused = shouldThrow<NetparkException.TlsFailure> { reactor.dial(server, client()) }
                refused.fault() shouldBe TlsFault.UNKNOWN_AUTHORITY
                server.await("alert") // it is told
            }
            OthersServer.openssl(identity, null, "-tls1_2").use { server ->
                val failure = shouldThrow<NetparkException.TlsFailure> { reactor.dial(server, client("TLSv1.3")) }
                failure.fault() shouldBe TlsFault.NO_COMMON_PROTOCOL
            }
        }
    }

    test("application protocols").config(enabledOrReasonIf = { openssl }) {
        OthersServer.openssl(identity, null, "-alpn", "h2,http/1.1").use { server ->
            onReactor { reactor, _ ->
                val protocols = listOf(listOf("http/1.1"), listOf("http/1.1", "h2"), listOf())
                val agreed = protocols.map { mine ->
                    val tls = client { if (mine.isNotEmpty()) applicationProtocols(*mine.toTypedArray()) }
                    reactor.dial(server, tls).use { connection ->
                        connection.write("hello\n")
                        server.await("hello")
                        connection.tlsSession!!.applicationProtocol()
                    }
                }
                agreed shouldBe listOf("http/1.1", "h2", null) // the server chooses
                // s_server goes on without, or sends an alert, by its version.
                val none = runCatching {
                    reactor.dial(server, client { applicationProtocols("imap") }).use { it.tlsSession!!.applicationProtocol() }
                }
                withClue(none) {
                    none.fold({ it shouldBe null }, {
                        it.shouldBeInstanceOf<NetparkException.TlsFailure>()
                            .fault() shouldBe TlsFault.NO_COMMON_APPLICATION_PROTOCOL
                    })
                }
            }
        }
    }
})
