package io.netpark.samples.proxy

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldBeSingleton
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.samples.Certificates
import io.netpark.samples.HERE
import io.netpark.samples.PATIENCE_SECONDS
import io.netpark.samples.PROXY
import io.netpark.samples.RunningProgram
import io.netpark.samples.RunningProxy
import io.netpark.samples.SampleSpec
import io.netpark.samples.Service
import io.netpark.samples.exchange
import io.netpark.samples.http.RunningHttp
import io.netpark.samples.load.Target
import io.netpark.samples.needs
import io.netpark.samples.program
import io.netpark.samples.soon
import io.netpark.samples.whileDoing
import java.net.InetSocketAddress
import java.net.Socket
import java.net.SocketException
import java.nio.file.Files
import java.security.KeyStore
import java.security.cert.X509Certificate
import java.util.concurrent.TimeUnit
import javax.net.ssl.KeyManagerFactory
import javax.net.ssl.SNIHostName
import javax.net.ssl.SSLContext
import javax.net.ssl.SSLException
import javax.net.ssl.SSLSocket
import kotlin.random.Random

/** The proxy sample in front of TLS: it ends the TLS of clients, or passes it on by the name that they ask for. */
class ProxyTlsSpec : SampleSpec({
    val curl = needs("curl", "--version")

    // TLS in front, plain behind

    test("clients of either version speak TLS with it, and servers behind it do not; half-closes go through") {
        val requests = Random(1).nextBytes(3_000_000)
        Service().use { service ->
            RunningProxy(listOf(service.port), *Certificates.options).use { proxy ->
                proxy.program.line()!! shouldContain "TLS by the certificate in "
                for (protocol in listOf("TLSv1.3", "TLSv1.2")) Certificates.dial(proxy.port, protocol).use { client ->
                    whileDoing({ client.outputStream.write(requests) }) {
                        client.inputStream.readNBytes(requests.size)
                    }.contentEquals(requests) shouldBe true
                }
                Certificates.dial(proxy.port, "TLSv1.3").use { client ->
                    whileDoing({
                        client.outputStream.write(requests)
                        client.shutdownOutput()
                    }) { client.inputStream.readAllBytes() }.contentEquals(requests) shouldBe true
                }
                proxy.program.errorLines().shouldBeEmpty()
            }
        }
    }

    test("a server that is killed has cut its answer off: its client sees no end of the stream") {
        val service = Service("half an answer")
        service.use {
            RunningProxy(listOf(service.port), "--check", "60", *Certificates.options).use { proxy ->
                Certificates.dial(proxy.port).use { client ->
                    client.inputStream.readNBytes(14).decodeToString() shouldBe "half an answer"
                    service.close()
                    shouldThrow<java.io.IOException> { client.inputStream.read() } // the JDK's name for it depends on the moment
                }
            }
        }
    }

    test("curl by https: a plain page; who speaks no TLS, or has no certificate where one is wanted, gets to no server").config(
        enabledOrReasonIf = { curl },
    ) {
        val root = Files.createTempDirectory("proxied")
        val page = Random(2).nextBytes(2_000_000)
        Files.write(root.resolve("page"), page)
        try {
            RunningHttp("--root", "$root").use { http ->
                RunningProxy(listOf(http.port), *Certificates.mutual).use { proxy ->
                    fun get(scheme: String, vararg options: String) =
                        program("curl", "-sS", "-o", "${root.resolve("got")}", *options, "$scheme://127.0.0.1:${proxy.port}/page")
                    get("https", "--cacert", "${Certificates.ca}", *Certificates.shown) shouldBe Pair("", 0)
                    Files.readAllBytes(root.resolve("got")).contentEquals(page) shouldBe true
                    fun turnedAway() = proxy.program.errorLines().filter { "turned away" in it }
                    turnedAway().shouldBeEmpty()
                    check(get("https", "--cacert", "${Certificates.ca}").second != 0)
                    soon { turnedAway().shouldBeSingleton { it shouldContain "sent no certificate" } }
                    check(get("http").second != 0)
                    proxy.program.signal("TERM")
                    proxy.program.status() shouldBe 0
                    proxy.program.rest().lines().last { it.isNotEmpty() } shouldContain "1 ever" // the others were no clients
                }
            }
        } finally {
            root.toFile().deleteRecursively()
        }
    }

    test("options that do not go together: the usage, status 2") {
        for (options in listOf(
            listOf("--tls", "--sni", "a=b:1"), listOf("--sni", "nothing"), listOf("--sni", "=b:1"), listOf("--sni", "a.*=b:1"),
            listOf("--upstream", "a:1", "--cert", "x"), emptyList(),
        )) {
            RunningProgram(PROXY, "--port", "0", *options.toTypedArray()).use { program ->
                withClue(options) {
                    program.status() shouldBe 2
                    program.errorLines().joinToString("\n") shouldContain "Usage: samples/run proxy"
                }
            }
        }
    }

    // Passing TLS on

    test("the program: curl by names sees the certificates of two servers, and none for a name that nobody has").config(
        enabledOrReasonIf = { curl },
    ) {
        Secured("one", "one.test").use { one ->
            Secured("two", "two.test", "a.two.test").use { two ->
                val routes = "one.test=127.0.0.1:${one.port},two.test=127.0.0.1:${two.port},*.two.test=127.0.0.1:${two.port}"
                RunningProgram(PROXY, "--port", "0", "--sni", routes).use { proxy ->
                    val port = proxy.line()!!.substringAfterLast(':')
                    fun get(name: String) = program(
                        "curl", "-sS", "--http0.9", "--cacert", "${Certificates.ca}", "--resolve", "$name:$port:127.0.0.1",
                        "https://$name:$port/",
                    )
                    for ((name, server) in listOf("one.test" to "one", "two.test" to "two", "a.two.test" to "two")) {
                        withClue(name) { get(name).first shouldContain "by $server" }
                    }
                    val (said, status) = get("three.test")
                    withClue(said) {
                        check(status != 0)
                        said.lowercase().replace(' ', '_') shouldContain "unrecognized_name"
                    }
                    proxy.errorLines().shouldBeEmpty()
                }
            }
        }
    }

    /** Two servers by name, and one for all others if there is to be one; the proxy is in this process. */
    fun proxied(others: Boolean = false, body: (Proxied) -> Unit) {
        Secured("one", "one.test").use { one ->
            Secured("two", "two.test").use { two ->
                Secured("other", "other.test").use { other ->
                    val options = ProxyOptions(
                        InetSocketAddress(HERE, 0), if (others) listOf(target(other.port)) else emptyList(),
                        listOf(Route("one.test", target(one.port)), Route("two.test", target(two.port))),
                    )
                    ProxyServer(options).use { body(Proxied(it)) }
                }
            }
        }
    }

    test("each name has the server whose certificate it sees, with much data both ways, and ends that go through") {
        proxied { proxy ->
            val much = Random(3).nextBytes(2_000_000)
            for (protocol in listOf("TLSv1.3", "TLSv1.2")) for (name in listOf("one.test", "two.test")) {
                proxy.dial(name, protocol).use { client ->
                    (client.session.peerCertificates[0] as X509Certificate).subjectAlternativeNames.single()[1] shouldBe name
                    client.inputStream.readNBytes(7).decodeToString() shouldBe "by ${name.take(3)}\n"
                    val back = whileDoing({ client.outputStream.write(much) }) { client.inputStream.readNBytes(much.size) }
                    back.contentEquals(much) shouldBe true
                }
            }
            soon { proxy.server.clients() shouldBe 0 }
        }
    }

    test("a name that nobody has, and no name: the server for others, or an alert that says so") {
        proxied(others = true) { proxy ->
            for (name in listOf("three.test", null)) proxy.dial(name, verified = false).use { client ->
                client.inputStream.readNBytes(8).decodeToString() shouldBe "by other"
            }
        }
        proxied { proxy ->
            for (name in listOf("three.test", null)) {
                shouldThrow<SSLException> { proxy.dial(name, verified = false).close() }.message!! shouldContain "unrecognized_name"
            }
            proxy.dialPlain().use { client ->
                client.getOutputStream().write(clientHello("three.test"))
                client.getInputStream().readAllBytes() shouldBe ClientHello.UNRECOGNIZED_NAME
            }
            soon { proxy.server.clients() shouldBe 0 }
        }
    }

    test("a first message that is cut at any byte, and one that trickles, gets to its server whole") {
        proxied { proxy ->
            val hello = clientHello("two.test", "TLSv1.2") // a shorter one
            for (at in 1 until hello.size) withClue("cut at $at of ${hello.size}") {
                proxy.dialPlain().use { client ->
                    client.getOutputStream().write(hello, 0, at)
                    if (at % 16 == 0) Thread.sleep(2) // it has come by then, most likely: both ways must do
                    client.getOutputStream().write(hello, at, hello.size - at)
                    client.getInputStream().readNBytes(1) shouldBe byteArrayOf(22) // a server of TLS answers it
                }
            }
            proxy.dialPlain().use { client ->
                for (byte in hello) {
                    client.getOutputStream().write(byte.toInt())
                    Thread.sleep(1)
                }
                client.getInputStream().readNBytes(1) shouldBe byteArrayOf(22)
            }
            proxy.dialPlain().use { client ->
                client.getOutputStream().write(cutIntoRecords(hello, hello.size / 3))
                client.getInputStream().readNBytes(1) shouldBe byteArrayOf(22)
            }
            soon { proxy.server.clients() shouldBe 0 }
        }
    }

    test("a client that leaves at any byte of its first message, or sends garbage, is gone, and others are served") {
        proxied { proxy ->
            val hello = clientHello("two.test", "TLSv1.2")
            for (at in 0 until hello.size) for (abruptly in listOf(false, true)) proxy.dialPlain().use { client ->
                client.getOutputStream().write(hello, 0, at)
                if (abruptly) client.setSoLinger(true, 0)
            }
            val random = Random(4)
            for (number in 1..300) withClue("garbage $number") {
                val bytes = when (number % 3) {
                    0 -> random.nextBytes(1 + random.nextInt(600))
                    1 -> "GET / HTTP/1.1\r\nHost: two.test\r\n\r\n".toByteArray()
                    else -> hello.copyOf().also { it[random.nextInt(60)] = random.nextInt().toByte() }
                }
                proxy.dialPlain().use { client ->
                    client.getOutputStream().write(bytes)
                    client.shutdownOutput()
                    try {
                        client.getInputStream().readAllBytes() // its end comes, whoever has answered
                    } catch (_: SocketException) {
                        // By a reset, if there was something that nobody has read.
                    }
                }
            }
            proxy.dial("two.test").use { it.inputStream.readNBytes(7).decodeToString() shouldBe "by two\n" }
            soon { proxy.server.clients() shouldBe 0 }
        }
    }

    test("a client that says nothing, and one that says half, have their time and no more; others do not wait for them") {
        proxied { proxy ->
            val hello = clientHello("two.test")
            proxy.dialPlain().use { silent ->
                proxy.dialPlain().use { half ->
                    half.getOutputStream().write(hello, 0, hello.size / 2)
                    proxy.dial("one.test").use { it.exchange("by one\n".toByteArray()).decodeToString() shouldBe "by one\n" }
                    for (client in listOf(silent, half)) { // 5 s
                        val end = runCatching { client.getInputStream().readAllBytes() }
                        withClue(end) { (end.exceptionOrNull() is SocketException) shouldBe true } // a reset
                    }
                }
            }
        }
    }
})

private fun target(port: Int) = Target("127.0.0.1", port)

/** A proxy in this process. */
private class Proxied(val server: ProxyServer) {
    private val port = (server.address as InetSocketAddress).port

    fun dialPlain(): Socket = Socket(HERE, port).apply {
        soTimeout = TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS).toInt()
        tcpNoDelay = true
    }

    /** A client of the JDK's that asks for this name, and has ended its handshake. */
    fun dial(name: String?, protocol: String = "TLSv1.3", verified: Boolean = true): SSLSocket {
        val plain = dialPlain()
        return (Certificates.context().socketFactory.createSocket(plain, "127.0.0.1", port, true) as SSLSocket).apply {
            enabledProtocols = arrayOf(protocol)
            sslParameters = sslParameters.apply { serverNames = listOfNotNull(name?.let(::SNIHostName)) }
            try {
                startHandshake()
            } catch (e: Throwable) {
                close()
                throw e
            }
            if (verified) check((session.peerCertificates[0] as X509Certificate).subjectAlternativeNames.any { it[1] == name })
        }
    }
}

/** A server of the JDK's TLS with a certificate for these names, that says who it is, and echoes all but a request of HTTP. */
private class Secured(who: String, vararg names: String) : AutoCloseable {
    private val context = SSLContext.getInstance("TLS").apply {
        val keys: KeyStore = Certificates.authority.issue(*names).keyStore("server", "secret")
        val managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm())
            .apply { init(keys, "secret".toCharArray()) }
        init(managers.keyManagers, null, null)
    }
    private val service = Service { plain ->
        val client = context.socketFactory.createSocket(plain, null, true) as SSLSocket
        client.use {
            it.outputStream.write("by $who\n".toByteArray())
            val first = ByteArray(4096)
            val count = it.inputStream.read(first)
            if (count < 0 || String(first, 0, count).startsWith("GET ")) return@Service
            it.outputStream.write(first, 0, count)
            it.inputStream.transferTo(it.outputStream)
        }
    }
    val port: Int get() = service.port

    override fun close() = service.close()
}
