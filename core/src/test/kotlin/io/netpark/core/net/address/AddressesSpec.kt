package io.netpark.core.net.address

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.net.dialing.Dialer
import io.netpark.core.net.listening.ListenerDescriptor
import io.netpark.core.net.options.NetOptions
import io.netpark.core.net.streams.ConnectionDescriptor
import io.netpark.core.sys.Errno
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.UnixAddress
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.await
import io.netpark.core.testing.bind
import io.netpark.core.testing.loopback
import io.netpark.core.testing.temporaryPath
import io.netpark.core.testing.use
import java.net.SocketAddress
import kotlin.io.path.exists

/** A kernel that does not tell an address is believed to have failed, and not to have said that there is none. */
class AddressesSpec : NetparkSpec(body = {
    class Silent(private val real: LibC = Bindings.best) : LibC by real {
        @Volatile
        var ofThisSide = false

        @Volatile
        var ofPeers = false

        override fun getsockname(fd: Int, sockaddr: Long, lengthAddress: Long): Int =
            if (ofThisSide) -Errno.ENOBUFS else real.getsockname(fd, sockaddr, lengthAddress)

        override fun getpeername(fd: Int, sockaddr: Long, lengthAddress: Long): Int =
            if (ofPeers) -Errno.ENOBUFS else real.getpeername(fd, sockaddr, lengthAddress)
    }

    fun NetparkException.saysSo(operation: String, address: SocketAddress? = null) {
        message!! shouldContain operation
        address?.let { message!! shouldContain "$it".substringAfter('/') }
        message!! shouldContain "ENOBUFS"
        message!! shouldContain "try again"
    }

    test("nothing listens or is bound whose address is not known, and nothing of it is left") {
        val silent = Silent()
        TestReactor(silent).use { reactor ->
            silent.ofThisSide = true
            shouldThrow<NetparkException> { reactor.listen() }.saysSo("get the address of the socket bound to", loopback())
            shouldThrow<NetparkException> { reactor.bind(loopback()) }.saysSo("get the address of the socket bound to", loopback())
            val path = temporaryPath()
            shouldThrow<NetparkException> { ListenerDescriptor.listen(reactor.group, UnixAddress.path(path), NetOptions.DEFAULT) }
            path.exists() shouldBe false
            silent.ofThisSide = false
            reactor.listen().use { listener -> reactor.connect(listener.address).use { listener.accept().close() } }
        }
    }

    test("a connection whose address is not told can be asked again") {
        val silent = Silent()
        TestReactor(silent).use { reactor ->
            reactor.pair().use { client, _ ->
                silent.ofThisSide = true
                val failure = shouldThrow<NetparkException> { client.connection.localAddress() }
                failure.saysSo("get the local address of connection to")
                failure.isAbout(client.connection) shouldBe true
                silent.ofThisSide = false
                client.connection.localAddress() shouldBe client.connection.localAddress()
            }
        }
    }

    test("a dial fails that cannot learn whether it has a peer, and does not wait") {
        val silent = Silent()
        TestReactor(silent).use { reactor ->
            reactor.listen().use { listener ->
                silent.ofPeers = true
                shouldThrow<NetparkException> { reactor.connect(listener.address) }.saysSo("connect to", listener.address)
                shouldThrow<NetparkException> { Dialer.of(reactor.group).await(listener.address) }.saysSo("connect to", listener.address)
                silent.ofPeers = false
                Dialer.of(reactor.group).await(listener.address).close()
            }
        }
    }

    test("a message socket that is connected anew does not tell its old address") {
        val silent = Silent()
        TestReactor(silent).use { reactor ->
            reactor.bind(loopback("0.0.0.0")).use { socket ->
                reactor.bind(loopback()).use { peer ->
                    silent.ofThisSide = true
                    socket.socket.connect(peer.socket.localAddress())
                    socket.socket.remoteAddress() shouldBe peer.socket.localAddress()
                    shouldThrow<NetparkException> { socket.socket.localAddress() }.saysSo("get the local address of message socket")
                    silent.ofThisSide = false
                    "${socket.socket.localAddress()}" shouldContain "127.0.0.1"
                }
            }
        }
    }

    test("what is adopted stays its owner's, and is not said to be something else") {
        val silent = Silent()
        TestReactor(silent).use { reactor ->
            reactor.listen().use { listener ->
                listener.listener.duplicate().use { duplicate ->
                    silent.ofThisSide = true
                    shouldThrow<NetparkException> { ListenerDescriptor.adopt(reactor.group, duplicate, NetOptions.DEFAULT, null) }
                        .saysSo("adopt descriptor")
                    silent.ofThisSide = false
                    duplicate.isOpen shouldBe true
                }
            }
            reactor.pair().use { client, _ ->
                client.connection.detach().use { detached ->
                    silent.ofPeers = true
                    shouldThrow<NetparkException> { ConnectionDescriptor.adopt(reactor.loop, detached) }.saysSo("adopt descriptor")
                    silent.ofPeers = false
                    ConnectionDescriptor.adopt(reactor.loop, detached).close()
                }
            }
        }
    }
})
