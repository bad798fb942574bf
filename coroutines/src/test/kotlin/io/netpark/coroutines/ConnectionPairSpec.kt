package io.netpark.coroutines

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeSameInstanceAs
import io.netpark.core.sys.NetparkException
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.openDescriptorTargets
import io.netpark.core.testing.tls.Wire
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.async
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.delay
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext

class ConnectionPairSpec : NetparkSpec(body = {
    for (flavour in allAndOrdered) {
        test("a handler is tested with one end while the test holds the other ($flavour)") {
            onReactor(flavour) { reactor ->
                val (client, server) = reactor.pairOver()
                launch { server.serve { greeter(it) } }
                client.use {
                    it.write("world\n")
                    it.reader.awaitLine() shouldBe "hello world"
                    it.shutdownOutput()
                    it.reader.await() shouldBe false
                }
            }
        }
    }

    test("a connection that is served is flushed when its handler and what that has started are done, and is closed then") {
        onReactor { reactor, _ ->
            reactor.pairOver().use { (client, server) ->
                server.serve { connection ->
                    launch {
                        delay(20)
                        connection.writer.putString("unflushed")
                    }
                }
                server.isOpen shouldBe false
                client.readToEnd().decodeToString() shouldBe "unflushed"
            }
        }
    }

    test("a connection that is served has the frames written that wait when its handler is done") {
        onReactor { reactor, _ ->
            reactor.pairOver().use { (client, server) ->
                val reading = async(Dispatchers.IO) { client.readToEnd() }
                server.serve {
                    it.frames.capacity = 10_000_000
                    it.frames.trySend { put(pattern(3_000_000)) } shouldBe true
                }
                reading.await() shouldBe pattern(3_000_000)
            }
        }
    }

    test("a handler that fails tells the caller, and drops what it has not flushed") {
        onReactor { reactor, _ ->
            reactor.pairOver().use { (client, server) ->
                shouldThrow<NumberFormatException> {
                    server.serve {
                        it.writer.putString("half an answer")
                        "not a number".toInt()
                    }
                }
                server.isOpen shouldBe false
                if (reactor.wire == Wire.PLAIN) {
                    client.readToEnd().size shouldBe 0
                } else { // which tells an end from a break also where sockets know no reset
                    shouldThrow<NetparkException.Truncated> { client.readToEnd() }
                }
            }
        }
    }

    test("a handler that is cancelled closes its connection") {
        onReactor { reactor, _ ->
            reactor.pairOver().use { (client, server) ->
                val serving = launch { server.serve { it.reader.await() } }
                soon { server.core.parked() shouldBe 1 }
                serving.cancelAndJoin()
                client.reader.await() shouldBe false
            }
        }
    }

    test("both ends live on the loop that asks for them, and otherwise on the next in turn") {
        onReactor(loops = 2) { reactor, _ ->
            withContext(reactor.loopDispatchers[1]) {
                reactor.pairOver().use { (first, second) ->
                    first.loop shouldBeSameInstanceAs reactor.group.loops()[1]
                    second.loop shouldBeSameInstanceAs reactor.group.loops()[1]
                }
            }
            reactor.pairOver().use { (first, second) -> (first.loop === second.loop) shouldBe false }
        }
    }

    plainTest("an end that is closed ends the stream of the other, and resets it if it had not read all") {
        onReactor { reactor, _ ->
            reactor.pairOver().use { (first, second) ->
                first.close()
                second.reader.await() shouldBe false
            }
            reactor.pairOver().use { (first, second) ->
                second.write("unread")
                first.close()
                shouldThrow<NetparkException.Reset> { second.readToEnd() }
            }
        }
    }

    test("a reactor that is closed makes none, and leaves nothing open") {
        val before = openDescriptorTargets().toSet()
        val reactor = Reactor(1) { daemon(true) }
        val pair = reactor.pairOver()
        reactor.close()
        pair.first.isOpen shouldBe false
        shouldThrow<NetparkException.Closed> { reactor.pairOver() }
        soon { openDescriptorTargets() - before shouldBe emptyList() }
    }
})
