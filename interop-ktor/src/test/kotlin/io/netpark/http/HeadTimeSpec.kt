package io.netpark.http

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.measureTime

class HeadTimeSpec : NetparkSpec(body = {

    test("the rest of a head is waited for, and what was answered before goes out first") {
        onConnection { client, server ->
            val head = RequestHead()
            client.say("GET /a HT")
            server.reader.await()
            head.parse(server.reader) shouldBe false
            server.writer.putString("answer")
            val rest = async(start = CoroutineStart.UNDISPATCHED) { head.awaitRest(server, Duration.INFINITE) }
            client.hear(6) shouldBe "answer"
            for (byte in "TP/1.1\r\nHost: x\r\n\r\n") client.say("$byte")
            rest.await() shouldBe true
            head.target.path() shouldBe "a"
            server.readDeadline shouldBe null
        }
    }

    test("all of a head has to come in time, however it trickles: 408") {
        onConnection { client, server ->
            val head = RequestHead(HeadLimits(fields = Int.MAX_VALUE, head = 1 shl 20))
            client.say("GET / HTTP/1.1\r\n")
            server.reader.await()
            head.parse(server.reader) shouldBe false
            val trickling = launch {
                while (true) {
                    client.say("X: y\r\n")
                    delay(20)
                }
            }
            val took = measureTime { refusal { head.awaitRest(server, 400.milliseconds) } shouldBe 408 }
            (took >= 350.milliseconds) shouldBe true
            server.readDeadline shouldBe null
            trickling.cancelAndJoin()
        }
    }

    test("a client that leaves: the end between lines, truncated in a line") {
        for ((text, isWholeLine) in listOf("GET / HTTP/1.1\r\n" to true, "GET / HTTP/1.1\r\nHost" to false)) {
            onConnection { client, server ->
                val head = RequestHead()
                client.say(text)
                client.shutdownOutput()
                server.reader.await(text.length)
                head.parse(server.reader) shouldBe false
                if (isWholeLine) head.awaitRest(server, Duration.INFINITE) shouldBe false
                else shouldThrow<NetparkException.Truncated> { head.awaitRest(server, Duration.INFINITE) }
                server.readDeadline shouldBe null
            }
        }
    }

    test("a wait that is cancelled goes on where it was") {
        onConnection { client, server ->
            val head = RequestHead()
            client.say("GET / HTTP/1.1\r\n")
            server.reader.await()
            head.parse(server.reader) shouldBe false
            launch(start = CoroutineStart.UNDISPATCHED) { head.awaitRest(server, Duration.INFINITE) }.cancelAndJoin()
            server.readDeadline shouldBe null
            client.say("Host: x\r\nConnection: close\r\n\r\n")
            head.awaitRest(server, Duration.INFINITE) shouldBe true
            head.keepsAlive shouldBe false
        }
    }

    test("a head that is refused meanwhile leaves no deadline") {
        onConnection { client, server ->
            val head = RequestHead()
            client.say("GET / HTTP/1.1\r\n")
            server.reader.await()
            head.parse(server.reader) shouldBe false
            client.say("Host : x\r\n")
            refusal { head.awaitRest(server, Duration.INFINITE) } shouldBe 400
            server.readDeadline shouldBe null
        }
    }
})
