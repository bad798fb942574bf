package io.netpark.coroutines

import io.netpark.core.net.dialing.Resolver
import io.netpark.core.pool.PoolOptions
import io.netpark.core.tls.ClientTls
import io.netpark.core.tls.ServerTls
import io.netpark.coroutines.simulation.runNetworkTest
import io.netpark.coroutines.tls.awaitTls
import io.netpark.coroutines.tls.startTls
import kotlinx.coroutines.cancel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import java.net.SocketAddress
import java.nio.ByteBuffer

// The examples of the KDoc, as they are there; DocumentationSpec compares them.

internal fun echoForEver() {
    Reactor().use { reactor ->
        runBlocking {
            reactor.listen("127.0.0.1", 7000).serve { connection ->
                while (connection.reader.await()) {
                    connection.writer.append(connection.reader)
                    connection.writer.flush()
                }
            }
        }
    }
}

internal suspend fun dialPatiently(reactor: Reactor, mine: Resolver, source: SocketAddress) {
    val patient = reactor.dialer.withResolver(mine).withLocalAddress(source).withTls(ClientTls.system())
    reactor.dial(patient, "db.internal", 6379)
}

internal suspend fun testGreeter(reactor: Reactor) = coroutineScope {
    val (client, server) = reactor.pair()
    launch { server.serve { greeter(it) } }
    client.write("ann\n".toByteArray())
    check(client.reader.awaitLine() == "hello ann")
    client.close()
}

internal fun greetOnSimulatedNetwork() {
    runNetworkTest(seed = 1) {
        val server = host("server")
        val client = host("client")
        val listener = server.reactor.listen(server.address(7000))
        launch { listener.serve { greeter(it) } }
        client.reactor.dial(server.address(7000)).use { connection ->
            connection.write("ann\n".toByteArray())
            check(connection.reader.awaitLine() == "hello ann")
        }
    }
}

internal suspend fun readFrames(reader: Reader, handle: (Any) -> Unit) {
    while (reader.await(4)) {
        val length = reader.takeInt()
        reader.awaitRest(length)
        handle(reader.next(length))
        reader.release()
    }
}

internal suspend fun answerRequests(connection: Connection, answer: suspend (Connection) -> Unit) {
    while (connection.awaitRequest()) {
        answer(connection)
    }
}

internal suspend fun stopWhenNobodyWaits(connection: Connection, compute: suspend () -> ByteArray) {
    coroutineScope {
        val watch = launch {
            connection.awaitPeerClosed()
            this@coroutineScope.cancel("the client has gone")
        }
        connection.write(compute())
        watch.cancel()
    }
}

internal suspend fun writeFrame(writer: Writer, payload: ByteArray) {
    writer.putInt(payload.size)
    writer.put(payload)
    writer.flush()
}

internal suspend fun ping(reactor: Reactor): String? {
    val pool = ConnectionPool(reactor, PoolOptions.DEFAULT.withMaxPerDestination(8))
    val answer = pool.use("db.internal", 6379) { connection ->
        connection.write("PING\r\n".toByteArray())
        connection.reader.awaitLine(limit = 512)
    }
    return answer
}

internal suspend fun answerLines(connection: Connection, answer: (String) -> String) {
    connection.reader.lines().collect { line -> connection.writer.putString(answer(line)) }
}

internal class Member(val connection: Connection)

internal fun broadcast(members: List<Member>, news: ByteBuffer, drop: (Member) -> Unit) {
    for (member in members) {
        if (!member.connection.frames.trySend { link(news.duplicate()) }) drop(member)
    }
}

internal suspend fun writeNumbers(connection: Connection, numbers: Sequence<Long>) {
    val writer = connection.writer
    for (number in numbers) writer.writeLong(number)
    writer.flush()
}

internal suspend fun secureWhatWasAccepted(
    listener: Listener,
    http1: suspend (Connection) -> Unit,
    http2: suspend (Connection) -> Unit,
) = coroutineScope {
    val connection = listener.accept()
    launch {
        connection.use {
            val session = it.awaitTls()
            if (session.applicationProtocol == "h2") http2(it) else http1(it)
        }
    }
}

internal suspend fun secureInTheMidst(connection: Connection, tls: ServerTls) {
    check(connection.reader.awaitLine() == "STARTTLS")
    connection.write("220 ready\r\n".toByteArray())
    connection.startTls(tls)
}
