package io.netpark.core.net

import io.kotest.assertions.throwables.shouldThrow
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
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.NetworkInterface
import kotlin.time.Duration.Companion.milliseconds

private val LOOPBACK: NetworkInterface = NetworkInterface.networkInterfaces().filter { it.isLoopback }.findFirst().get()

/** Multicast within this machine, through its loopback interface. */
class MulticastSpec : NetparkSpec(body = {
    for (flavour in Flavour.all) for ((wildcard, address) in listOf("0.0.0.0" to "239.255.77.77", "::" to "ff11::7777")) {
        val group = InetAddress.getByName(address)
        val options = SocketOptions.DEFAULT.with(SocketOption.REUSE_ADDRESS, true)

        context("$flavour $address") {
            suspend fun reactor(name: String, body: TestReactor.() -> Unit) =
                test(name) { TestReactor(flavour, loops = 2).use(body) }

            reactor("members get what is sent to the group, until they leave") {
                bind(InetSocketAddress(wildcard, 0), options).use { one ->
                    val port = (one.address as InetSocketAddress).port
                    (bind(InetSocketAddress(wildcard, port), options) to bind(InetSocketAddress(wildcard, 0))).use { other, sender ->
                        one.socket.join(group, LOOPBACK)
                        other.socket.join(group, LOOPBACK)
                        sender.socket.sendMulticastThrough(LOOPBACK)
                        sender.send("to all", InetSocketAddress(group, port))
                        for (member in listOf(one, other)) {
                            member.socket.setDeadline(Direction.READ, fromNow(5000.milliseconds))
                            member.receive().text shouldBe "to all"
                        }
                        one.socket.leave(group, LOOPBACK)
                        one.socket.setDeadline(Direction.READ, fromNow(30.milliseconds))
                        other.socket.leave(group, LOOPBACK)
                        sender.send("to nobody", InetSocketAddress(group, port))
                        shouldThrow<NetparkException.TimedOut> { one.receive() }
                    }
                }
            }

            reactor("joining twice, leaving what was not joined, and other addresses are refused") {
                bind(InetSocketAddress(wildcard, 0)).use { socket ->
                    socket.socket.join(group, LOOPBACK)
                    shouldThrow<NetparkException.SystemError> { socket.socket.join(group, LOOPBACK) }
                        .message!! shouldContain "member already"
                    socket.socket.leave(group, LOOPBACK)
                    shouldThrow<NetparkException.SystemError> { socket.socket.leave(group, LOOPBACK) }
                        .message!! shouldContain "not a member"
                    shouldThrow<IllegalArgumentException> { socket.socket.join(InetAddress.getLoopbackAddress(), null) }
                        .message!! shouldContain "not a multicast address"
                    socket.close()
                    shouldThrow<NetparkException.Closed> { socket.socket.join(group, LOOPBACK) }
                }
            }
        }
    }
})
