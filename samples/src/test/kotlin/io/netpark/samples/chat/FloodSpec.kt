package io.netpark.samples.chat

import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.ints.shouldBeInRange
import io.kotest.matchers.shouldBe
import io.netpark.samples.SampleSpec
import io.netpark.samples.websocket.TEXT
import io.netpark.samples.websocket.clientFrame
import io.netpark.samples.whileDoing
import java.io.IOException
import kotlin.time.TimeSource

/** Who talks all the time is shown the door, and the others go on. */
class FloodSpec : SampleSpec({
    val chat by lazy { RunningChat("--loops", "1", "--rate", "2", "--burst", "5") }
    afterSpec { chat.close() }

    /** Sends without end, and reads what comes meanwhile, up to the close frame. */
    fun RawWebSocket.flood(message: String): RawWebSocket.Frame = whileDoing({
        try {
            while (true) send(clientFrame(TEXT, message))
        } catch (_: IOException) {
            // The server has had enough, and so have we.
        }
    }) { awaitClose().also { close() } }

    test("a flooder is closed with 1008 and a reason; two others talk before, meanwhile and after") {
        RawWebSocket(chat.port).use { ada ->
            RawWebSocket(chat.port).use { grace ->
                ada.join("Ada")
                grace.join("Grace")
                grace.say("before")
                ada.text("said", "text") shouldBe "before"
                val began = TimeSource.Monotonic.markNow()
                RawWebSocket(chat.port).use { flooder ->
                    flooder.join("Flood")
                    val close = flooder.flood("{\"type\":\"say\",\"text\":\"me me me\"}")
                    Pair(close.closeCode, close.closeReason) shouldBe Pair(1008, "too many messages")
                }
                // A join and four messages are the first five, and two a second may follow; then the others hear why no more do.
                val heard = generateSequence { ada.news("said", "left") }.takeWhile { "reason" !in it }.count()
                heard shouldBeInRange 4..5 + 2 * began.elapsedNow().inWholeSeconds.toInt()
                grace.text("left", "reason") shouldBe "too many messages"
                ada.say("after")
                grace.text("said", "text") shouldBe "after"
            }
        }
        chat.program.errorLines().shouldBeEmpty()
    }

    test("so is one that has not even joined, or makes no sense") {
        for (message in listOf("no JSON", "{\"type\":\"join\",\"name\":\"\"}", "")) {
            RawWebSocket(chat.port).use { it.flood(message).closeCode shouldBe 1008 }
        }
    }

    test("who keeps to the rate may talk for long") {
        RawWebSocket(chat.port).use { slow ->
            slow.join("Slow")
            repeat(8) {
                slow.say("$it")
                slow.text("said", "text") shouldBe "$it"
                Thread.sleep(520) // its pace is what is tested
            }
        }
    }
})
