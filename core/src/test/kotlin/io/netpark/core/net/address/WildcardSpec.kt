package io.netpark.core.net.address

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.fd.Direction
import io.netpark.core.linux.Linux
import io.netpark.core.memory.NativeMemory
import io.netpark.core.net.listening.Admission
import io.netpark.core.net.options.NetOption
import io.netpark.core.net.options.NetOptions
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.SockAddr
import io.netpark.core.testing.ChildJvm
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.bind
import io.netpark.core.testing.eventually
import io.netpark.core.testing.loopback
import io.netpark.core.testing.use
import java.net.Inet4Address
import java.net.Inet6Address
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.NetworkInterface

/** An address without a host takes both families, as the JDK's own sockets do. */
class WildcardSpec : NetparkSpec(body = {
    for (flavour in Flavour.all) {
        test("$flavour: without a host both families are listened on, and peers of IPv4 have addresses of IPv4") {
            TestReactor(flavour).use { reactor ->
                val admission = Admission.perSource(1)
                val options = NetOptions.DEFAULT.with(NetOption.TYPE_OF_SERVICE, 0x10).with(NetOption.TRAFFIC_CLASS, 0x20)
                reactor.listen(InetSocketAddress(0), options, admission).use { listener ->
                    (listener.address.address is Inet6Address) shouldBe true
                    listener.listener.getOption(NetOption.TYPE_OF_SERVICE) shouldBe 0x10
                    listener.listener.getOption(NetOption.TRAFFIC_CLASS) shouldBe 0x20
                    for (host in listOf("127.0.0.1", "::1")) {
                        reactor.connect(loopback(host, listener.address.port)).use { client ->
                            listener.accept().use { server ->
                                val peer = server.connection.remoteAddress() as InetSocketAddress
                                peer shouldBe client.connection.localAddress()
                                (peer.address is Inet4Address) shouldBe (host == "127.0.0.1")
                                server.connection.localAddress() shouldBe loopback(host, listener.address.port)
                                "$server".contains("ffff") shouldBe false
                            }
                        }
                    }
                    // One address is one source, whichever family its socket is of.
                    reactor.connect(loopback(port = listener.address.port)).use {
                        listener.accept().use {
                            reactor.listen(loopback(), admission = admission).use { other ->
                                reactor.connect(other.address).use { excess ->
                                    eventually { // the listener has it a moment after the peer
                                        other.listener.startAccept() shouldBe null
                                        other.listener.abandon(Direction.READ)
                                        admission.refused() shouldBe 1
                                    }
                                    shouldThrow<NetparkException.Reset> { excess.readIsAtEnd() }
                                }
                            }
                        }
                    }
                    reactor.reporter.drain().single().cause.message!! shouldContain "accept 127.0.0.1"
                }
            }
        }

        test("$flavour: what is written as 0.0.0.0 is IPv4 alone") {
            TestReactor(flavour).use { reactor ->
                reactor.listen(InetSocketAddress("0.0.0.0", 0)).use { listener ->
                    listener.address.address shouldBe InetAddress.getByName("0.0.0.0")
                    shouldThrow<NetparkException.Refused> { reactor.connect(loopback("::1", listener.address.port)) }
                }
            }
        }

        test("$flavour: without a host datagrams of both families come, and are answered; multicasts of both are joined") {
            TestReactor(flavour).use { reactor ->
                reactor.bind(InetSocketAddress(0)).use { server ->
                    val port = (server.socket.localAddress() as InetSocketAddress).port
                    for (host in listOf("127.0.0.1", "::1")) {
                        reactor.bind(loopback(host)).use { client ->
                            client.send("question", loopback(host, port))
                            val question = server.receive()
                            question.sender shouldBe client.socket.localAddress()
                            server.send("answer", question.sender)
                            client.receive().text shouldBe "answer"
                        }
                    }
                    val loopback = NetworkInterface.getByName("lo")
                    server.socket.sendMulticastThrough(loopback)
                    for (group in listOf("239.255.77.77", "ff01::77")) {
                        server.socket.join(InetAddress.getByName(group), loopback)
                        server.socket.leave(InetAddress.getByName(group), loopback)
                    }
                }
            }
        }
    }

    for ((what, errno) in listOf("no IPv6" to Errno.EAFNOSUPPORT, "no address of IPv6" to Errno.EADDRNOTAVAIL)) {
        test("on a machine that has $what IPv4 is listened on alone, and bound") {
            val real = Flavour.all.last().libc
            val old = object : LibC by real {
                override fun socket(domain: Int, type: Int, protocol: Int): Int =
                    if (domain == Linux.AF_INET6 && errno == Errno.EAFNOSUPPORT) -errno else real.socket(domain, type, protocol)

                override fun bind(fd: Int, sockaddr: Long, length: Int): Int =
                    if (length == 28 && errno == Errno.EADDRNOTAVAIL) -errno else real.bind(fd, sockaddr, length)
            }
            TestReactor(old).use { reactor ->
                reactor.listen(InetSocketAddress(0)).use { listener ->
                    (listener.address.address is Inet4Address) shouldBe true
                    reactor.connect(loopback(port = listener.address.port)).use { listener.accept().close() }
                }
                reactor.bind(InetSocketAddress(0)).use { (it.socket.localAddress() as InetSocketAddress).address shouldBe InetAddress.getByName("0.0.0.0") }
            }
        }
    }

    test("the JDK's properties decide: preferIPv4Stack is IPv4 alone, preferIPv6Addresses is both as it is without") {
        val probe = "io.netpark.core.net.address.WildcardProbeKt"
        ChildJvm(probe).option("-Djava.net.preferIPv4Stack=true").run() shouldContain "listens on 0.0.0.0"
        ChildJvm(probe).option("-Djava.net.preferIPv6Addresses=true").run() shouldContain "listens on 0:0:0:0:0:0:0:0"
    }

    test("an IPv4 address has one hash in both its forms") {
        val memory = NativeMemory.allocate(256).buffer()
        val address = InetSocketAddress("10.1.2.3", 80)
        val four = SockAddr.copy(memory, 0, SockAddr.write(memory, 0, address))
        val six = SockAddr.copy(memory, 128, SockAddr.write(memory, 128, address, Linux.AF_INET6))
        six.size shouldBe 28
        SockAddr.addressHash(six) shouldBe SockAddr.addressHash(four)
        SockAddr.addressBytes(six) shouldBe SockAddr.addressBytes(four)
    }
})
