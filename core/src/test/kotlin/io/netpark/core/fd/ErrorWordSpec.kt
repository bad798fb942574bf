package io.netpark.core.fd

import io.kotest.matchers.shouldBe
import io.netpark.core.poll.Readiness
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.race

class ErrorWordSpec : NetparkSpec(body = {
    test("flags are set and cleared one by one") {
        val word = ErrorWord()
        word.set(ErrorWord.EXPIRED_READ)
        word.set(ErrorWord.CLOSING)
        word.clear(ErrorWord.EXPIRED_READ)
        word.clear(ErrorWord.EXPIRED_WRITE)
        word.flags() shouldBe ErrorWord.CLOSING
    }

    test("F4: sticky readiness of another generation is ignored, and forgotten by the next registration") {
        val word = ErrorWord()
        word.register(7)
        word.stick(7, Readiness.HANGUP or Readiness.READABLE)
        word.flags() shouldBe Readiness.HANGUP
        word.set(ErrorWord.EXPIRED_WRITE)
        word.register(8)
        word.flags() shouldBe ErrorWord.EXPIRED_WRITE
        word.stick(7, Readiness.ERROR)
        word.flags() shouldBe ErrorWord.EXPIRED_WRITE
        word.register(-1)
        word.stick(-1, Readiness.URGENT)
        word.flags() shouldBe (ErrorWord.EXPIRED_WRITE or Readiness.URGENT)
    }

    test("F4: a late event that races with the next registration does not stick to it") {
        val word = ErrorWord()
        race(
            20_000,
            { round -> word.register(round + 2) },
            { round -> word.stick(round + 1, Readiness.ERROR) },
            { word.set(ErrorWord.EXPIRED_READ) },
            beforeEach = { round ->
                word.register(round + 1)
                word.clear(ErrorWord.EXPIRED_READ)
            },
            afterEach = { word.flags() shouldBe ErrorWord.EXPIRED_READ },
        )
    }
})
