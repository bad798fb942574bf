package io.netpark.core.net.messages

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.sys.LibC
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.BlockingMessages
import io.netpark.core.testing.Family
import io.netpark.core.testing.FaultyLibC
import io.netpark.core.testing.Flavour
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.async
import io.netpark.core.testing.awaitParkedThreads
import io.netpark.core.testing.bind
import io.netpark.core.testing.dialDatagrams
import io.netpark.core.testing.packetPair
import io.netpark.core.testing.result
import io.netpark.core.testing.text
import io.netpark.core.testing.use
import java.net.SocketAddress
import java.nio.ByteBuffer

private fun MessageBatch.put(text: String, to: SocketAddress? = null) = put(ByteBuffer.wrap(text.toByteArray()), to)

private fun MessageBatch.texts() = List(count()) { bytes(it).text() }

/** What was sent before is there: datagrams of IP may be on their way for a moment, and come in their order. */
private fun TestReactor.awaitDelivery(family: Family) {
    if (!family.unix) bind(family.freshAddress()).use {
        it.send("last", it.address)
        it.receive()
    }
}

/** Passes on a part of each batch. */
private class PartialLibC(real: LibC) : LibC by real {
    private val real = real
    var sends = 0

    override fun sendmmsg(fd: Int, mmsghdrs: Long, count: Int, flags: Int): Int {
        sends++
        return real.sendmmsg(fd, mmsghdrs, minOf(count, 3), flags)
    }
}

/** Batches of messages, over every binding, poller and kind of address. */
class MessageBatchSpec : NetparkSpec(body = {
    for (flavour in Flavour.all) for (family in Family.entries) {
        context("$flavour $family") {
            suspend fun pair(name: String, body: TestReactor.(a: BlockingMessages, b: BlockingMessages) -> Unit) =
                test(name) {
                    TestReactor(flavour, loops = 2).use { reactor ->
                        (reactor.bind(family.freshAddress()) to reactor.bind(family.freshAddress())).use { a, b -> reactor.body(a, b) }
                    }
                }

            pair("a batch goes out and comes in, with lengths, senders and what was cut off") { a, b ->
                val sent = MessageBatch(8, 100)
                sent.put("one", b.address) shouldBe true
                sent.put("", b.address) shouldBe true
                sent.put("a long message", b.address) shouldBe true
                a.send(sent)
                sent.sent() shouldBe 3
                awaitDelivery(family)
                val received = MessageBatch(8, 6)
                b.receive(received) shouldBe 3
                received.texts() shouldContainExactly listOf("one", "", "a long")
                List(3) { received.length(it) } shouldContainExactly listOf(3, 0, 14)
                List(3) { received.isTruncated(it) } shouldContainExactly listOf(false, false, true)
                repeat(3) { received.address(it) shouldBe a.address }
                shouldThrow<IndexOutOfBoundsException> { received.bytes(3) }
                received.toString() shouldContain "3 of at most 8"
            }

            pair("what a batch has no room for comes with the next, and the senders are told apart") { a, b ->
                val c = bind(family.freshAddress())
                c.use {
                    repeat(2) {
                        a.send("a$it", b.address)
                        c.send("c$it", b.address)
                    }
                    a.send("a2", b.address)
                    awaitDelivery(family)
                    val batch = MessageBatch(3, 10)
                    b.receive(batch) shouldBe 3
                    batch.texts() shouldContainExactly listOf("a0", "c0", "a1")
                    List(3) { batch.address(it) } shouldContainExactly listOf(a.address, c.address, a.address)
                    b.receive(batch) shouldBe 2
                    batch.texts() shouldContainExactly listOf("c1", "a2")
                }
            }

            pair("a batch that was received is an answer to each of its senders") { a, b ->
                val c = bind(family.freshAddress())
                c.use {
                    val batch = MessageBatch(4, 10)
                    repeat(3) { round -> // the same memory again and again
                        a.send("from a", b.address)
                        c.send("from c", b.address)
                        awaitDelivery(family)
                        b.receive(batch) shouldBe 2
                        batch.bytes(0).clear().put("to a!$round".toByteArray()).flip()
                        batch.bytes(1).position(5)
                        b.send(batch)
                        a.receive().text shouldBe "to a!$round"
                        c.receive().text shouldBe "c"
                    }
                }
            }

            pair("a receiver of batches that waits gets what comes, and giving it up consumes nothing") { a, b ->
                val batch = MessageBatch(4, 10)
                b.socket.startReceive(batch) shouldBe Descriptor.PARK
                b.socket.abandon(Direction.READ)
                val receiver = async { b.receive(batch) }
                awaitParkedThreads()
                a.send("x", b.address)
                receiver.result() shouldBe 1
                batch.texts() shouldBe listOf("x")
            }

            test("a batch that the kernel takes piece by piece is sent once") {
                val partial = PartialLibC(flavour.libc)
                TestReactor(partial, flavour.poller.factory).use { reactor ->
                    (reactor.bind(family.freshAddress()) to reactor.bind(family.freshAddress())).use { a, b ->
                        val batch = MessageBatch(8, 10)
                        repeat(8) { batch.put("$it", b.address) }
                        a.send(batch)
                        partial.sends shouldBe 3
                        List(8) { b.receive().text } shouldContainExactly List(8) { "$it" }
                    }
                }
            }
        }
    }

    for (flavour in Flavour.all) context("$flavour") {
        suspend fun reactor(name: String, body: TestReactor.() -> Unit) =
            test(name) { TestReactor(flavour, loops = 2).use(body) }

        reactor("a batch stops at the message that fails, and can go on with or without it") {
            bind(Family.IPV4.freshAddress()).use { a ->
                bind(Family.IPV4.freshAddress()).use { b ->
                    val batch = MessageBatch(3, 70_000)
                    batch.put("first", b.address)
                    batch.put(ByteBuffer.allocate(66_000), b.address)
                    batch.put("last", b.address)
                    shouldThrow<NetparkException.SystemError> { a.send(batch) }.message!! shouldContain "message 1 of 3"
                    batch.sent() shouldBe 1
                    shouldThrow<NetparkException.SystemError> { a.send(batch) }.errnoName() shouldBe "EMSGSIZE"
                    batch.skip()
                    a.send(batch)
                    batch.sent() shouldBe 3
                    List(2) { b.receive().text } shouldContainExactly listOf("first", "last")
                    a.send(batch) // nothing is left
                    batch.rewind()
                    shouldThrow<NetparkException> { a.send(batch) }
                    b.receive().text shouldBe "first"
                }
            }
        }

        reactor("a batch waits for the peer's room, and goes on where it stopped") {
            bind(Family.PATH.freshAddress()).use { b ->
                dialDatagrams(b.address).use { a ->
                    val batch = MessageBatch(1024, 8)
                    repeat(1024) { batch.put("$it") }
                    val sending = async { a.send(batch) }
                    awaitParkedThreads()
                    List(1024) { b.receive().text } shouldContainExactly List(1024) { "$it" }
                    sending.result()
                }
            }
        }

        reactor("sequenced packets come in batches, and end") {
            packetPair().use { a, b ->
                val batch = MessageBatch(4, 10)
                a.send("one")
                a.send("two")
                a.socket.shutdownOutput()
                b.receive(batch) shouldBe 2
                batch.texts() shouldContainExactly listOf("one", "two")
                repeat(2) { b.receive(batch) shouldBe MessageDescriptor.END_OF_STREAM }
                batch.clear()
                repeat(4) { batch.put("$it") }
                b.send(batch)
                List(4) { a.receive().text } shouldContainExactly List(4) { "$it" }
            }
        }
    }

    for (libc in Bindings.all) {
        test("${libc.binding()}: a bad day of the C library loses nothing and doubles nothing") {
            TestReactor(FaultyLibC(libc)).use { reactor ->
                (reactor.bind(Family.PATH.freshAddress()) to reactor.bind(Family.PATH.freshAddress())).use { a, b ->
                    val sending = async {
                        val batch = MessageBatch(16, 8)
                        for (first in 0 until 1600 step 16) {
                            batch.clear()
                            repeat(16) { batch.put("${first + it}", b.address) }
                            a.send(batch)
                        }
                    }
                    val batch = MessageBatch(7, 8)
                    val received = ArrayList<String>()
                    while (received.size < 1600) {
                        b.receive(batch)
                        received += batch.texts()
                    }
                    received shouldContainExactly List(1600) { "$it" }
                    sending.result()
                }
            }
        }
    }

    test("what does not fit into a batch is refused") {
        shouldThrow<IllegalArgumentException> { MessageBatch(0, 1) }
        shouldThrow<IllegalArgumentException> { MessageBatch(1025, 1) }
        shouldThrow<IllegalArgumentException> { MessageBatch(1, 0) }
        shouldThrow<IllegalArgumentException> { MessageBatch(1024, 4_000_000) }
        val batch = MessageBatch(1, 3)
        shouldThrow<IllegalArgumentException> { batch.put("four") }.message!! shouldContain "at most 3 bytes, not 4"
        batch.put("abc") shouldBe true
        batch.put("abc") shouldBe false
        batch.clear()
        batch.put("d") shouldBe true
        batch.texts() shouldBe listOf("d")
    }
})
