package io.netpark.samples

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import picocli.CommandLine.TypeConversionException
import java.time.Duration

class SecondsSpec : SampleSpec({
    test("seconds and parts of them") {
        Seconds().convert("5") shouldBe Duration.ofSeconds(5)
        Seconds().convert("0.25") shouldBe Duration.ofMillis(250)
        Seconds().convert("0") shouldBe Duration.ZERO
        Seconds().convert("1e8") shouldBe Duration.ofSeconds(100_000_000)
    }

    test("what is none, or more than a clock can count") {
        for (text in listOf("", "five", "-1", "-0.1", "NaN", "Infinity", "1e9", "1,5", "PT5S")) {
            shouldThrow<TypeConversionException> { Seconds().convert(text) }.message shouldContain "'$text'"
        }
    }
})
