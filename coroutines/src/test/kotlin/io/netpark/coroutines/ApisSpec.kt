package io.netpark.coroutines

import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.loopback
import kotlin.io.path.Path
import kotlin.io.path.readText
import kotlinx.coroutines.Job
import kotlinx.coroutines.async

class ApisSpec : NetparkSpec(body = {
    test("the Kotlin of docs/apis.md is compiled here") {
        val blocks = Path("../docs/apis.md").readText().split("```kotlin\n").drop(1).map { it.substringBefore("```") }
        val source = Path("src/test/kotlin/io/netpark/coroutines/ApisExamples.kt").readText()
        blocks.isEmpty() shouldBe false
        blocks.forEach { source shouldContain it }
    }

    test("requests in pieces and several at once are answered in order; a line that is too long ends its connection, and no other") {
        onReactor { reactor, _ ->
            val end = Job()
            val listener = reactor.listen(loopback())
            val serving = async { keyValues(listener, end) }
            reactor.dial(listener.localAddress).use { client ->
                client.write("set a b c\nget a\nge".toByteArray())
                client.readText("ok\nb c\n".length) shouldBe "ok\nb c\n"
                client.write("t x\nwhat\n".toByteArray())
                client.readText("none\nerror".length) shouldBe "none\nerror"
                reactor.dial(listener.localAddress).use { other ->
                    other.write(ByteArray(2_000) { 'x'.code.toByte() })
                    runCatching { other.readToEnd() }.getOrNull()?.size.let { it == null || it == 0 } shouldBe true
                }
                client.readText(": get KEY, or set KEY VALUE\n".length) shouldBe ": get KEY, or set KEY VALUE\n"
                end.complete()
                client.readToEnd().size shouldBe 0 // it was idle
            }
            serving.await().cut() shouldBe 0
        }
    }
})
