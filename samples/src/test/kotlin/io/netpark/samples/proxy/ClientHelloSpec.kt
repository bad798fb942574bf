package io.netpark.samples.proxy

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.ints.shouldBeInRange
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeInstanceOf
import io.netpark.samples.proxy.ClientHello.Reading
import java.nio.ByteBuffer
import kotlin.random.Random

/** What the proxy reads of the first message of a client. */
class ClientHelloSpec : FunSpec({
    fun read(bytes: ByteArray) = ClientHello.read(ByteBuffer.wrap(bytes))

    fun nameIn(bytes: ByteArray) = read(bytes).shouldBeInstanceOf<Reading.Complete>().hello.serverName

    for (protocol in listOf("TLSv1.2", "TLSv1.3")) {
        test("the name of a whole one, wherever it is cut into records: $protocol") {
            val hello = clientHello("Example.org", protocol)
            nameIn(hello) shouldBe "example.org"
            nameIn(hello + Random(1).nextBytes(1000)) shouldBe "example.org" // what comes behind does not matter
            for (size in listOf(1, 2, 3, 4, 5, 7, 40, 100, hello.size)) {
                val cut = cutIntoRecords(hello, size)
                withClue("records of $size") {
                    if (cut.size - hello.size > 5 * 7) read(cut) shouldBe Reading.Alien else nameIn(cut) shouldBe "example.org"
                }
            }
            for (at in 1..hello.size - 6) withClue("two records, cut at $at") {
                nameIn(record(hello.copyOfRange(5, 5 + at)) + record(hello.copyOfRange(5 + at, hello.size))) shouldBe "example.org"
            }
        }

        test("one that is cut off at any byte asks for more, and never for more than there will be: $protocol") {
            val hello = clientHello("example.org", protocol)
            val inRecords = record(hello.copyOfRange(5, 50)) + record(hello.copyOfRange(50, hello.size))
            for (whole in listOf(hello, inRecords)) for (count in 0 until whole.size) withClue("$count bytes of ${whole.size}") {
                read(whole.copyOf(count)).shouldBeInstanceOf<Reading.Incomplete>().needed shouldBeInRange count + 1..whole.size
            }
        }
    }

    test("one without a name") { nameIn(clientHello(null)).shouldBeNull() }

    test("plain text, another message, a record that is empty or too long, one that is never whole") {
        for (alien in listOf(
            "GET / HTTP/1.1\r\n\r\n".toByteArray(), byteArrayOf(21, 3, 3, 0, 2, 2, 40), byteArrayOf(22, 3, 1, 0, 0),
            byteArrayOf(22, 3, 1, 0x7f, 0), record(byteArrayOf(2, 0, 0, 0)), record(byteArrayOf(1, 0, 0, 3, 3, 3, 1)),
            record(byteArrayOf(1, 0, 0, 0)),
        )) withClue(alien.toList()) { read(alien) shouldBe Reading.Alien }
    }

    test("what is mutated by chance is read, asked more of, or turned down, and nothing else") {
        val random = Random(3)
        val hellos = listOf(clientHello("example.org", "TLSv1.2"), clientHello("example.org", "TLSv1.3"), clientHello(null))
        repeat(50_000) { number ->
            val bytes = hellos.random(random).copyOf()
            repeat(1 + random.nextInt(4)) { bytes[random.nextInt(bytes.size)] = random.nextInt().toByte() }
            withClue("mutation $number") { read(bytes.copyOf(random.nextInt(bytes.size + 1))) }
        }
    }
})
