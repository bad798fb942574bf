package io.netpark.core.blockhound

import io.kotest.matchers.shouldBe
import io.netpark.core.sys.Binding
import io.netpark.core.testing.LoopEcho
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.eventually
import io.netpark.core.testing.tls.EngineFlavour
import io.netpark.core.testing.tls.Material
import io.netpark.core.testing.tls.Role
import io.netpark.core.testing.tls.TlsEnds
import io.netpark.core.testing.tls.oursAndPeer
import io.netpark.core.testing.tls.tls
import io.netpark.core.testing.use
import reactor.blockhound.BlockHound
import reactor.blockhound.BlockingOperationError
import java.io.FileInputStream
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
        reactor.shouldBeCaught("Thread.sleep") { Thread.sleep(10) }
        FileInputStream("/dev/urandom").use { random -> reactor.shouldBeCaught("a read of a file") { random.read(ByteArray(1)) } }
    }
    for (role in Role.entries) for (protocol in EngineFlavour.PROTOCOLS) talkSecurely(role, protocol)
    exitProcess(0)
}

private fun TestReactor.shouldBeCaught(what: String, block: () -> Unit) {
    try {
        loop.submit { block() }.get()
        println("$what on a loop was not caught")
        exitProcess(1)
    } catch (e: ExecutionException) {
        check(e.cause is BlockingOperationError) { "not as expected: ${e.cause}" }
    }
}

/** All that is ours is done by a loop: the handshake but for its tasks, data, an update of the keys, the end. Then the peer comes back. */
private fun talkSecurely(role: Role, protocol: String) {
    val tls = role.tls(EngineFlavour.JDK, protocol)
    val peers = if (role == Role.SERVER) {
        EngineFlavour.JDK.client(Material.client(TlsEnds.root))
    } else {
        EngineFlavour.JDK.server(Material.server(TlsEnds.identity))
    }
    TestReactor(Binding.defaultLibC()).use { reactor ->
        TestReactor(Binding.defaultLibC()).use { elsewhere ->
            repeat(2) {
                val engine = peers.engine(if (role == Role.SERVER) TlsEnds.HOST else null, 443).apply { enabledProtocols = arrayOf(protocol) }
                reactor.oursAndPeer(engine, elsewhere).use { pair ->
                    reactor.onLoop { pair.begin(tls) }
                    pair.peer.handshake()
                    LoopEcho(pair.connection).begin()
                    pair.peer.write("hello")
                    pair.peer.readText(5) shouldBe "hello"
                    if (protocol == "TLSv1.3") pair.peer.plain.write(pair.peer.keyUpdate())
                    val much = ByteArray(30_000) { it.toByte() }
                    pair.peer.write(much)
                    pair.peer.read(much.size).contentEquals(much) shouldBe true
                    pair.peer.end()
                    eventually { pair.connection.isClosed shouldBe true }
                }
            }
        }
    }
}
