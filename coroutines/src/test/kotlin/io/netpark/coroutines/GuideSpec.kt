package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.net.options.NetOption
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Family
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.loopback
import io.netpark.core.testing.tls.Authority
import io.netpark.core.testing.tls.Identity
import io.netpark.core.tls.ClientTls
import io.netpark.core.tls.ServerTls
import io.netpark.coroutines.tls.startTls
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.flowOf
import kotlinx.coroutines.launch
import java.net.InetSocketAddress
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.readText
import kotlin.io.path.writeText
import kotlin.time.Duration.Companion.seconds

class GuideSpec : NetparkSpec(body = {
    fun example(what: String, body: suspend (client: Connection, server: Connection) -> Unit) = test(what) {
        onReactor { reactor, _ -> reactor.withPair { client, server -> body(client, server) } }
    }

    test("the Kotlin examples of the guide are those that are compiled and run here") {
        val blocks = Path.of("../docs/guide.md").readText().split("```kotlin\n").drop(1).map { it.substringBefore("```") }
        val source = Path.of("src/test/kotlin/io/netpark/coroutines/GuideExamples.kt").readText()
        (blocks.size >= 9) shouldBe true
        blocks.forEach { source shouldContain it }
    }

    test("passing through, with and without a word before") {
        onReactor { reactor, _ ->
            val service = reactor.listen(loopback())
            val proxy = reactor.listen(loopback())
            val asked = reactor.listen(loopback())
            val jobs = listOf(
                launch { service.serve { echo(it) } },
                launch { passThrough(proxy, reactor, service.localAddress) },
                launch { asked.serve { connectTo(it, reactor, service.localAddress) } },
            )
            for ((listener, word) in listOf(proxy to "", asked to "CONNECT\n")) {
                reactor.dial(listener.localAddress).use { client ->
                    client.write(word + "hello")
                    client.readText(5) shouldBe "hello"
                    client.shutdownOutput()
                    client.readToEnd().size shouldBe 0
                }
            }
            jobs.forEach { it.cancelAndJoin() }
        }
    }

    example("patient") { client, server ->
        kotlinx.coroutines.coroutineScope {
            val gone = launch { patient(server) { kotlinx.coroutines.awaitCancellation() } }
            val answered = launch { patient(client) { "late" } }
            answered.join()
            server.readText(4) shouldBe "late"
            client.close()
            gone.join()
            gone.isCancelled shouldBe true
        }
    }

    example("frames") { client, server ->
        kotlinx.coroutines.coroutineScope {
            val handler = launch { frames(server) }
            client.write(byteArrayOf(0, 0, 0, 3, 1, 2, 3))
            client.readFully(7) shouldBe byteArrayOf(0, 0, 0, 3, 1, 2, 3)
            client.write(byteArrayOf(-1, 0, 0, 0))
            runCatching { client.read(ByteArray(1)) }.isFailure shouldBe true
            handler.join()
        }
    }

    example("lines, the end of input, and moving bytes on") { client, server ->
        kotlinx.coroutines.coroutineScope {
            launch { greeter(server) }
            client.write("ann\r\nbob\n")
            client.readText(22) shouldBe "hello ann\r\nhello bob\r\n"
            client.shutdownOutput()
        }
    }

    example("files, and a mapped part of one") { client, server ->
        val folder = Files.createTempDirectory("netpark")
        try {
            val file = folder.resolve("book").also { it.writeText("in the beginning") }
            kotlinx.coroutines.coroutineScope {
                val handler = launch { download(server, folder) }
                client.write("../../book\nbook\n")
                repeat(2) {
                    client.reader.awaitRest(8 + 16)
                    client.reader.takeLong() shouldBe 16
                    client.reader.takeString(16) shouldBe "in the beginning"
                }
                client.shutdownOutput()
                handler.join()
                java.nio.channels.FileChannel.open(file).use { quote(server, it, 7, 9) }
                client.reader.awaitLine() shouldBe "<quote>beginning</quote>"
            }
        } finally {
            folder.toFile().deleteRecursively()
        }
    }

    example("blocks that are filled again when the kernel gives them back") { client, server ->
        kotlinx.coroutines.coroutineScope {
            var seed = 0
            val streaming = launch { stream(server, 3) { it.put(pattern(it.capacity(), seed++)) } }
            repeat(20) { round -> client.readFully(1024 * 1024).contentEquals(pattern(1024 * 1024, round)) shouldBe true }
            streaming.cancelAndJoin()
        }
        client.close()
    }

    example("a large export") { client, server ->
        kotlinx.coroutines.coroutineScope {
            launch {
                export(server, (1..100_000).asSequence().map { "row $it" })
                server.shutdownOutput()
            }
            String(client.readToEnd()).lines().size shouldBe 100_001
        }
    }

    example("the answer after the peer's end") { client, server ->
        kotlinx.coroutines.coroutineScope {
            launch { sum(server) }
            for (i in 1..10) client.writer.putIntLe(i)
            client.writer.flush()
            client.shutdownOutput()
            client.reader.await(8)
            client.reader.takeLongLe() shouldBe 55
        }
    }

    example("a session") { client, server ->
        kotlinx.coroutines.coroutineScope {
            launch { session(server) }
            client.write("ann\nhi\n")
            client.reader.awaitLine() shouldBe "ann: hi"
            client.shutdownOutput()
        }
    }

    example("many writers") { client, server ->
        kotlinx.coroutines.coroutineScope {
            launch {
                prices(server, listOf("A", "B", "C"))
                server.shutdownOutput()
            }
            String(client.readToEnd()).lines().filter { it.isNotEmpty() }.sorted() shouldBe
                listOf("A", "B", "C").flatMap { symbol -> (0..2).map { "$symbol $it" } }
        }
    }

    test("forwarding and handing over") {
        onReactor { reactor, _ ->
            bounded().use { other ->
                reactor.withPair { client, server ->
                    handOver(server, other).use { adopted ->
                        reactor.withPair { near, far ->
                            val forwarding = launch { forward(adopted, near) }
                            client.write("through")
                            client.shutdownOutput()
                            String(far.readToEnd()) shouldBe "through"
                            forwarding.join()
                        }
                    }
                }
            }
        }
    }

    test("datagrams are answered in batches") {
        onReactor { reactor, _ ->
            reactor.bindDatagrams(loopback()).use { socket ->
                val serving = launch { clock(socket) }
                val before = System.currentTimeMillis()
                (time(reactor, socket.localAddress) >= before) shouldBe true
                serving.cancelAndJoin()
            }
        }
    }

    test("a connection is passed on with what was read from it") {
        onReactor { reactor, _ ->
            reactor.listen(Family.PATH.freshAddress()).use { listener ->
                reactor.dial(listener.localAddress).use { here ->
                    listener.accept().use { worker ->
                        reactor.withPair { client, server ->
                            client.write("first\nsecond\n")
                            server.reader.awaitLine() shouldBe "first"
                            passOn(server, here)
                            takeOver(worker, reactor).use { taken ->
                                taken.reader.awaitLine() shouldBe "second"
                                client.write("third\n")
                                taken.reader.awaitLine() shouldBe "third"
                                taken.write("bye")
                            }
                            client.readText(3) shouldBe "bye"
                        }
                    }
                }
            }
        }
    }

    test("a server comes to an orderly end") {
        onReactor { reactor, _ ->
            serveUntil(Job().apply { complete() }, reactor).cut() shouldBe 0
        }
    }

    test("dialing from an address of this machine") {
        onReactor { reactor, _ ->
            reactor.listen("127.0.0.1", 0).use { listener ->
                dialFrom(reactor, loopback("127.0.0.8"), "127.0.0.1", listener.port).use { client ->
                    (client.localAddress as InetSocketAddress).address.hostAddress shouldBe "127.0.0.8"
                    client.getOption(NetOption.USER_TIMEOUT) shouldBe 30.seconds
                }
            }
        }
    }

    test("a greeting over a unix socket") {
        val folder = Files.createTempDirectory("netpark")
        onReactor { reactor, _ ->
            val listener = listenLocally(reactor, folder)
            val serving = launch { greetLocally(listener) }
            reactor.dial(listener.localAddress).use { client ->
                String(client.readToEnd()) shouldBe "hello user ${Files.getAttribute(Path.of("/proc/self"), "unix:uid")}\n"
            }
            serving.cancelAndJoin()
        }
        folder.toFile().deleteRecursively()
    }

    test("TLS: a server whose certificate an authority of ours has signed, and TLS in the midst of a protocol") {
        val folder = Files.createTempDirectory("netpark")
        val root = Authority.root("Root of the guide")
        val authority = root.write(folder.resolve("ca.pem"))
        val identity = root.issue("localhost", "127.0.0.1")
        val chain = identity.writeChain(folder.resolve("chain.pem"))
        val key = identity.writeKey(folder.resolve("key.pem"))
        onReactor { reactor, _ ->
            val (listener, watch) = listenSecurely(reactor, chain, key)
            val serving = launch { listener.serve { greeter(it) } }
            askSecurely(reactor, authority, listener.port) shouldBe "hello ann"
            serving.cancelAndJoin()
            watch.close()
            reactor.withPair { client, server ->
                coroutineScope {
                    launch { upgradable(server, ServerTls.of(chain, key)) }
                    client.write("STARTTLS\r\n".toByteArray())
                    client.reader.awaitLine() shouldBe "220 ready"
                    client.startTls(ClientTls.builder().trust(authority).build(), "localhost")
                    client.reader.awaitLine() shouldBe "250 this is TLSv1.3"
                }
            }
        }
        folder.toFile().deleteRecursively()
    }

    test("TLS: a client that shows a certificate is greeted by the name in it") {
        val folder = Files.createTempDirectory("netpark")
        val root = Authority.root("Root of the guide")
        val authority = root.write(folder.resolve("ca.pem"))
        fun files(identity: Identity, name: String) =
            identity.writeChain(folder.resolve("$name.pem")) to identity.writeKey(folder.resolve("$name-key.pem"))
        val (chain, key) = files(root.issue("localhost", "127.0.0.1"), "server")
        val (ownChain, ownKey) = files(root.issueClient("ann"), "ann")
        onReactor { reactor, _ ->
            val listener = listenToKnown(reactor, chain, key, authority)
            val serving = launch { listener.serve { greetByCertificate(it) } }
            askAsKnown(reactor, authority, ownChain, ownKey, listener.port) shouldBe "hello CN=ann"
            serving.cancelAndJoin()
        }
        folder.toFile().deleteRecursively()
    }

    test("TLS: a certificate that its authority has taken back is refused, and no other") {
        val root = Authority.root("Root of the guide")
        val good = root.issue("localhost")
        val revoked = root.issue("localhost")
        val client = checkingRevocation(root.trustStore(), listOf(root.revoking(revoked.certificate())))
        onReactor { reactor, reporter ->
            for (identity in listOf(good, revoked)) {
                val tls = ServerTls.builder().certificate(identity.chain(), identity.key()).build()
                reactor.listen("localhost", 0, tls = tls).use { listener ->
                    val serving = launch { listener.serve { it.write("hello".toByteArray()) } }
                    if (identity == good) {
                        reactor.dial("localhost", listener.port, tls = client).use { it.readText(5) shouldBe "hello" }
                    } else {
                        shouldThrow<NetparkException.TlsFailure> { reactor.dial("localhost", listener.port, tls = client) }
                            .fault() shouldBe NetparkException.TlsFault.REVOKED
                        soon { reporter.drain().single().what shouldContain "turned away" } // which the server hears
                    }
                    serving.cancelAndJoin()
                }
            }
        }
    }

    test("a handler and what it has launched; and a handler that is tested without a port") {
        onReactor { reactor, _ ->
            greeterGreets(reactor)
            val listener = reactor.listen(loopback())
            val serving = launch { talk(listener, flowOf("one", "two")) }
            reactor.dial(listener.localAddress).use { client ->
                client.readText(8) shouldBe "one\ntwo\n"
                client.shutdownOutput()
                client.readToEnd().size shouldBe 0
            }
            serving.cancelAndJoin()
        }
    }

    test("the greeter greets in every order") { greetsInEveryOrder() }

    example("a broadcast, and a member that does not read") { client, server ->
        broadcast(listOf(server, client), "news")
        client.reader.awaitLine() shouldBe "news"
        server.reader.awaitLine() shouldBe "news"
        while (server.isOpen) broadcast(listOf(server), "x".repeat(100_000))
    }
})
