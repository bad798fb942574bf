package io.netpark.core.net.options

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.test.Enabled
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.fd.Direction
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.bind
import io.netpark.core.testing.fromNow
import io.netpark.core.testing.use
import java.net.Inet6Address
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.NetworkInterface
import java.net.StandardProtocolFamily
import java.net.StandardSocketOptions
import java.nio.ByteBuffer
import java.nio.channels.DatagramChannel
import kotlin.time.Duration.Companion.milliseconds

/** An interface through which this machine can send to the group, as the JDK finds out; null if it has none. */
private fun interfaceFor(group: InetAddress): NetworkInterface? =
    NetworkInterface.networkInterfaces().toList().sortedBy { !it.isLoopback }.firstOrNull { candidate ->
        runCatching {
            val family = if (group is Inet6Address) StandardProtocolFamily.INET6 else StandardProtocolFamily.INET
            DatagramChannel.open(family).use {
                it.setOption(StandardSocketOptions.IP_MULTICAST_IF, candidate)
                it.send(ByteBuffer.allocate(1), InetSocketAddress(group, 9))
            }
        }.isSuccess
    }

/** Multicast within this machine. */
class MulticastSpec : NetparkSpec(body = {
    for (flavour in Flavour.all) for ((wildcard, address) in listOf("0.0.0.0" to "239.255.77.77", "::" to "ff11::7777")) {
        val group = InetAddress.getByName(address)
        val options = NetOptions.DEFAULT.with(NetOption.REUSE_ADDRESS, true)
        val found = interfaceFor(group)
        val on = found ?: NetworkInterface.getByIndex(1)

        context("$flavour $address") {
            suspend fun reactor(name: String, body: TestReactor.() -> Unit) =
                test(name).config(
                    enabledOrReasonIf = {
                        if (found != null) Enabled.enabled else Enabled.disabled("no interface has a multicast route to $address")
                    },
                ) { TestReactor(flavour, loops = 2).use(body) }

            reactor("members get what is sent to the group, until they leave") {
                bind(InetSocketAddress(wildcard, 0), options).use { one ->
                    val port = (one.address as InetSocketAddress).port
                    (bind(InetSocketAddress(wildcard, port), options) to bind(InetSocketAddress(wildcard, 0))).use { other, sender ->
                        one.socket.join(group, on)
                        other.socket.join(group, on)
                        sender.socket.sendMulticastThrough(on)
                        sender.send("to all", InetSocketAddress(group, port))
                        for (member in listOf(one, other)) {
                            member.socket.setDeadline(Direction.READ, fromNow(5000.milliseconds))
                            member.receive().text shouldBe "to all"
                        }
                        one.socket.leave(group, on)
                        one.socket.setDeadline(Direction.READ, fromNow(30.milliseconds))
                        other.socket.leave(group, on)
                        sender.send("to nobody", InetSocketAddress(group, port))
                        shouldThrow<NetparkException.TimedOut> { one.receive() }
                    }
                }
            }

            reactor("joining twice, leaving what was not joined, and other addresses are refused") {
                bind(InetSocketAddress(wildcard, 0)).use { socket ->
                    socket.socket.join(group, on)
                    shouldThrow<NetparkException.SystemError> { socket.socket.join(group, on) }
                        .message!! shouldContain "member already"
                    socket.socket.leave(group, on)
                    shouldThrow<NetparkException.SystemError> { socket.socket.leave(group, on) }
                        .message!! shouldContain "not a member"
                    shouldThrow<IllegalArgumentException> { socket.socket.join(InetAddress.getLoopbackAddress(), null) }
                        .message!! shouldContain "not a multicast address"
                    socket.close()
                    shouldThrow<NetparkException.Closed> { socket.socket.join(group, on) }
                }
            }
        }
    }
})
