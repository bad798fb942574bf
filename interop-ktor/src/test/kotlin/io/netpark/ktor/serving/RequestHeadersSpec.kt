package io.netpark.ktor.serving

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeSameInstanceAs
import java.nio.ByteBuffer
import kotlin.random.Random

/** The fields of a request as Ktor asks for them. */
class RequestHeadersSpec : FunSpec({

    fun HeadFields.field(name: String, value: String) {
        val line = ByteBuffer.wrap("$name: $value\r\n".toByteArray(Charsets.ISO_8859_1))
        field(line, 0, name.length, name.length + 2, name.length + 2 + value.length)
    }

    fun headersOf(vararg fields: Pair<String, String>) = HeadFields().run {
        begin()
        fields.forEach { (name, value) -> field(name, value) }
        take()
    }

    test("a name is found in any case, and the first of several values is the value") {
        val headers = headersOf("Host" to "a", "X-Two" to "1", "x-two" to "2", "Empty" to "")
        headers["HOST"] shouldBe "a"
        headers["x-TWO"] shouldBe "1"
        headers["Empty"] shouldBe ""
        headers["Missing"].shouldBeNull()
        headers.getAll("X-two")!! shouldContainExactly listOf("1", "2")
        headers.getAll("Missing").shouldBeNull()
        headers.contains("x-two", "2") shouldBe true
        headers.contains("x-two", "3") shouldBe false
    }

    test("names and entries have each name once") {
        val headers = headersOf("Host" to "a", "X-Two" to "1", "x-two" to "2")
        headers.names() shouldContainExactlyInAnyOrder setOf("Host", "X-Two")
        headers.entries().associate { it.key to it.value } shouldBe mapOf("Host" to listOf("a"), "X-Two" to listOf("1", "2"))
        headers.isEmpty() shouldBe false
        headersOf().isEmpty() shouldBe true
    }

    test("bytes above 127 are characters of ISO 8859-1") { headersOf("X" to "\u00e9")["x"] shouldBe "\u00e9" }

    fun HeadFields.head(fields: List<Pair<String, String>>): RequestHeaders {
        begin()
        fields.forEach { (name, value) -> field(name, value) }
        return take()
    }

    fun RequestHeaders.asList() = entries().flatMap { (name, values) -> values.map { name to it } }

    test("a head with the same fields as the one before has the same headers, and the text that was made of them") {
        val fields = HeadFields()
        val head = listOf("Host" to "a", "Accept" to "*/*")
        val first = fields.head(head)
        val host = first.getAll("host")
        val second = fields.head(head)
        second shouldBeSameInstanceAs first
        second.getAll("HOST") shouldBeSameInstanceAs host
        second["host"] shouldBeSameInstanceAs host!![0]
    }

    test("a head that differs from the one before in its last field, its first, in case, in number or in order has its own") {
        val head = listOf("Host" to "a", "Accept" to "*/*", "X" to "1")
        for (other in listOf(
            listOf("Host" to "a", "Accept" to "*/*", "X" to "2"),
            listOf("Host" to "b", "Accept" to "*/*", "X" to "1"),
            listOf("host" to "a", "Accept" to "*/*", "X" to "1"),
            listOf("Host" to "a", "Accept" to "*/*"),
            listOf("Host" to "a", "Accept" to "*/*", "X" to "1", "Y" to "2"),
            listOf("Accept" to "*/*", "Host" to "a", "X" to "1"),
            listOf("Hosta" to "", "Accept" to "*/*", "X" to "1"),
            listOf(),
        )) {
            val fields = HeadFields()
            val before = fields.head(head)
            val after = fields.head(other)
            after.asList() shouldContainExactlyInAnyOrder other
            before.asList() shouldContainExactlyInAnyOrder head
            fields.head(head).asList() shouldContainExactlyInAnyOrder head
        }
    }

    test("heads that begin alike, by chance, are told apart") {
        val random = Random(5)
        val fields = HeadFields()
        val kept = List(500) {
            val head = List(random.nextInt(6)) { "Name-$it" to "x".repeat(random.nextInt(3)) }
            head to fields.head(head)
        }
        for ((head, headers) in kept) headers.asList() shouldContainExactlyInAnyOrder head
        kept.zipWithNext().forEach { (before, after) -> (before.second === after.second) shouldBe (before.first == after.first) }
    }

    test("fields that are long are not kept for the next head") {
        val fields = HeadFields()
        val head = listOf("Cookie" to "x".repeat(2000))
        val first = fields.head(head)
        val second = fields.head(head)
        (first === second) shouldBe false
        first.asList() shouldBe second.asList()
    }

    test("a head that is broken off in its midst leaves nothing to the next") {
        val fields = HeadFields()
        fields.head(listOf("Host" to "a", "X" to "1"))
        fields.begin()
        fields.field("Host", "a")
        fields.field("Z", "9")
        fields.head(listOf("Host" to "a", "X" to "2")).asList() shouldContainExactlyInAnyOrder listOf("Host" to "a", "X" to "2")
    }

    test("the headers of one request do not change with the next, whatever the sizes") {
        val fields = HeadFields()
        val kept = (1..50).map { round ->
            fields.begin()
            repeat(round % 20) { fields.field("Field-$it", "$round".repeat(round * 10)) }
            fields.take()
        }
        kept.forEachIndexed { index, headers ->
            val round = index + 1
            headers.names().size shouldBe round % 20
            repeat(round % 20) { headers["field-$it"] shouldBe "$round".repeat(round * 10) }
        }
    }
})
