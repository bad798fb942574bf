package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import io.netpark.core.sys.AddressText
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.HeldPort
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.loopback
import java.net.InetSocketAddress
import kotlin.time.Duration.Companion.milliseconds

/** What the JDK makes of an address: a slash before the number, or a name before the slash. */
private val OF_THE_JDK = Regex("""/(\d|\[|<|[0-9a-f]*:)|0:0:0:0""")

private fun shouldName(text: String?, address: String) {
    text!! shouldContain address
    text shouldNotContain OF_THE_JDK
}

/** What errors call an address, and which they are. The callback and blocking APIs have the same in MessageAddressesTest. */
class MessageAddressesSpec : NetparkSpec(body = {
    for (host in listOf("127.0.0.1", "::1")) {
        val written = if (':' in host) "[$host]" else host

        test("of $host: nobody listens, the port is taken, and what happens to a connection") {
            onReactor { reactor, _ ->
                HeldPort(host).use { held ->
                    val free = held.port
                    shouldName(shouldThrow<NetparkException.Refused> { reactor.dial(loopback(host, free)) }.message, "$written:$free")
                    shouldName(shouldThrow<NetparkException.Refused> { reactor.dial(host, free) }.message, "$written:$free")
                }
                reactor.listen(host, 0).use { listener ->
                    shouldName("$listener", "$written:${listener.port}")
                    shouldName(
                        shouldThrow<NetparkException> { reactor.listen(listener.localAddress) }.message, "$written:${listener.port}",
                    )
                    reactor.dial(listener.localAddress).use { client ->
                        listener.accept().use { server ->
                            val peer = AddressText.of(client.localAddress)
                            shouldName("$server", peer)
                            shouldThrow<NetparkException.TimedOut> {
                                server.within(1.milliseconds, "greeting") { it.reader.awaitLine() }
                            }.let { shouldName(it.message, peer) }
                            client.write(ByteArray(3))
                            client.shutdownOutput()
                            shouldName(shouldThrow<NetparkException.Truncated> { server.reader.awaitLine() }.message, peer)
                            server.close()
                            shouldName(shouldThrow<NetparkException.Closed> { server.read(ByteArray(1)) }.message, peer)
                        }
                    }
                }
            }
        }
    }

    test("a host that nobody knows") {
        onReactor { reactor, _ ->
            for (failure in listOf(
                shouldThrow<NetparkException.UnknownHost> { reactor.listen("no.such.host.invalid", 80) },
                shouldThrow<NetparkException.UnknownHost> { reactor.dial("no.such.host.invalid", 80) },
            )) {
                shouldName(failure.message, "no.such.host.invalid:80: no address is known of no.such.host.invalid: ")
            }
            val unresolved = InetSocketAddress.createUnresolved("no.such.host.invalid", 80)
            shouldName(shouldThrow<NetparkException.UnknownHost> { reactor.listen(unresolved) }.message, "no.such.host.invalid:80")
            shouldName(shouldThrow<NetparkException.UnknownHost> { reactor.dial(unresolved) }.message, "no.such.host.invalid:80")
        }
    }

    test("the JDK's own texts are told from ours") {
        val named = java.net.InetAddress.getByAddress("localhost", byteArrayOf(127, 0, 0, 1))
        for (address in listOf(InetSocketAddress(named, 80), loopback("::1", 80), loopback(port = 80), InetSocketAddress.createUnresolved("a", 1))) {
            OF_THE_JDK.containsMatchIn("$address") shouldBe true
        }
    }
})
