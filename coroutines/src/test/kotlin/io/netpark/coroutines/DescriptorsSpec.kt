package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.net.socket.PassedDescriptors
import io.netpark.core.sys.OpenDescriptor
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.Family
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.openDescriptors
import io.netpark.core.testing.text
import io.netpark.coroutines.handover.detach
import io.netpark.coroutines.handover.readDescriptors
import io.netpark.coroutines.handover.writeDescriptors
import java.nio.ByteBuffer
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull

private suspend fun Reactor.withUnixPair(body: suspend CoroutineScope.(client: Connection, server: Connection) -> Unit) {
    listen(Family.ABSTRACT.freshAddress()).use { listener ->
        dial(listener.localAddress).use { client -> listener.accept().use { server -> coroutineScope { body(client, server) } } }
    }
}

/** One that is always there, and that nobody closes. */
private val STANDARD_INPUT = OpenDescriptor.of(0)

/** Descriptors that are passed along with bytes. */
class DescriptorsSpec : NetparkSpec(body = {
    for (libc in Bindings.all) context("${libc.binding()}") {
        test("a connection goes to another process's reactor, and on from there") {
            onReactor(libc) { reactor, _ ->
                reactor.withUnixPair { here, there ->
                    reactor.withPair { client, server ->
                        val detached = server.detach()
                        detached.use { here.writeDescriptors(ByteBuffer.wrap("yours".toByteArray()), it.descriptor) }
                        val into = PassedDescriptors(1)
                        val target = ByteBuffer.allocate(5)
                        there.readDescriptors(target, into) shouldBe 5
                        reactor.adopt(into.take().single()).use { adopted ->
                            client.write("hello")
                            adopted.readText(5) shouldBe "hello"
                        }
                    }
                }
            }
        }

        test("all bytes are written, the descriptors with the first, while the peer reads slowly") {
            onReactor(libc) { reactor, _ ->
                reactor.withUnixPair { here, there ->
                    val bytes = pattern(1_000_000)
                    val source = ByteBuffer.wrap(bytes)
                    launch { here.writeDescriptors(source, STANDARD_INPUT, STANDARD_INPUT) }
                    val into = PassedDescriptors(2)
                    val target = ByteBuffer.allocate(bytes.size)
                    there.readDescriptors(target.limit(1), into) shouldBe 1
                    into.count() shouldBe 2
                    into.close()
                    target.limit(target.capacity())
                    while (target.hasRemaining()) there.read(target)
                    target.array().contentEquals(bytes) shouldBe true
                }
            }
        }

        test("a cancelled read has taken neither bytes nor descriptors") {
            onReactor(libc) { reactor, _ ->
                reactor.withUnixPair { here, there ->
                    val before = openDescriptors()
                    val into = PassedDescriptors(1)
                    withTimeoutOrNull(5) { there.readDescriptors(ByteBuffer.allocate(1), into) } shouldBe null
                    OpenDescriptor.eventFd(0).use { here.writeDescriptors(ByteBuffer.allocate(1), it) }
                    there.readDescriptors(ByteBuffer.allocate(1), into) shouldBe 1
                    into.count() shouldBe 1
                    openDescriptors() shouldBe before + 1
                    into.close()
                }
            }
        }

        test("messages carry them too") {
            onReactor(libc) { reactor, _ ->
                reactor.bindDatagrams(Family.PATH.freshAddress()).use { receiver ->
                    reactor.dialDatagrams(receiver.localAddress).use { sender ->
                        sender.sendDescriptors(ByteBuffer.wrap("two".toByteArray()), STANDARD_INPUT, STANDARD_INPUT)
                        PassedDescriptors(1).use { into ->
                            val target = ByteBuffer.allocate(9)
                            receiver.receiveDescriptors(target, into) shouldBe 3
                            target.flip().text() shouldBe "two"
                            into.count() shouldBe 1
                            into.surplus() shouldBe 1
                        }
                    }
                }
            }
        }

        test("TCP says that it cannot") {
            onReactor(libc) { reactor, _ ->
                reactor.withPair { client, server ->
                    shouldThrow<IllegalStateException> { client.writeDescriptors(ByteBuffer.allocate(1), STANDARD_INPUT) }
                        .message!! shouldContain "only unix sockets can"
                    shouldThrow<IllegalStateException> { server.readDescriptors(ByteBuffer.allocate(1), PassedDescriptors(1)) }
                }
            }
        }
    }
})
