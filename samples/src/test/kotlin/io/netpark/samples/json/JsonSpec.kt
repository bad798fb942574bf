package io.netpark.samples.json

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldMatch
import io.netpark.samples.SampleSpec

class JsonSpec : SampleSpec({
    test("what is written is what is read") {
        val value = mapOf(
            "null" to null, "true" to true, "int" to -7, "long" to Long.MAX_VALUE, "double" to 1.5, "tiny" to 1e-9,
            "list" to listOf(1L, listOf<Any?>(), mapOf<String, Any?>()), "empty" to "",
        )
        parsedJson(json(value)) shouldBe value.mapValues { (_, entry) -> if (entry is Int) entry.toLong() else entry }
    }

    test("whatever is in a string, it is read again, and written in ASCII without line ends") {
        val string = ('\u0000'..'\u00ff').joinToString("") + "\"\\/\u2028 \ud83d\ude00 \uffff \ud800"
        val written = json(string)
        written shouldMatch Regex("[ -~]*")
        parsedJson(written) shouldBe string
        parsedJson(json(mapOf(string to string))) shouldBe mapOf(string to string)
    }

    test("an entry in each line") {
        json(mapOf("a" to listOf(1, 2), "b" to mapOf("c" to null))) shouldBe """
            {
              "a": [
                1,
                2
              ],
              "b": {
                "c": null
              }
            }
        """.trimIndent()
    }

    test("what JSON cannot say is refused") {
        shouldThrow<IllegalArgumentException> { json(Double.NaN) }
        shouldThrow<IllegalArgumentException> { json(Any()) }
    }
})
