package io.netpark.coroutines

import io.netpark.core.buffer.SegmentPool
import io.netpark.core.net.files.OpenFile
import io.netpark.core.net.listening.Admission
import io.netpark.core.net.messages.MessageBatch
import io.netpark.core.net.options.NetOption
import io.netpark.core.net.options.NetOptions
import io.netpark.core.net.serving.Shutdown
import io.netpark.core.net.socket.Detached
import io.netpark.core.net.socket.PassedDescriptors
import io.netpark.core.net.zerocopy.ZeroCopy
import io.netpark.core.pool.PoolOptions
import io.netpark.core.report.Reporter
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.UnixAddress
import io.netpark.core.tls.CertificateWatch
import io.netpark.core.tls.ClientAuth
import io.netpark.core.tls.ClientTls
import io.netpark.core.tls.ServerTls
import io.netpark.coroutines.handover.detach
import io.netpark.coroutines.handover.readDescriptors
import io.netpark.coroutines.handover.writeDescriptors
import io.netpark.coroutines.messages.MessageSocket
import io.netpark.coroutines.simulation.runNetworkTest
import io.netpark.coroutines.tls.startTls
import io.netpark.coroutines.transfer.relay
import io.netpark.coroutines.transfer.sendFile
import java.net.InetSocketAddress
import java.net.SocketAddress
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.nio.file.Path
import java.security.KeyStore
import java.security.cert.CRL
import java.security.cert.CertPathBuilder
import java.security.cert.CertStore
import java.security.cert.CollectionCertStoreParameters
import java.security.cert.PKIXBuilderParameters
import java.security.cert.PKIXRevocationChecker
import java.security.cert.X509CertSelector
import java.time.Duration
import javax.net.ssl.CertPathTrustManagerParameters
import javax.net.ssl.TrustManagerFactory
import javax.net.ssl.X509TrustManager
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineName
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancel
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull

/** Answers messages of a length and a payload with the same. */
suspend fun frames(connection: Connection) {
    while (connection.reader.await()) {
        val length = connection.reader.awaitInt()
        if (length !in 0..1_000_000) return connection.reset() // a peer that means no good
        connection.writer.putInt(length)
        connection.writer.put(connection.reader.awaitBytes(length))
        connection.writer.flush()
    }
}

/** A line protocol. A line over the limit, or an end in the middle of one, is an error that ends the handler. */
suspend fun greeter(connection: Connection) = connection.reader.lines(limit = 200).collect { name ->
    connection.writer.putString("hello $name\r\n")
    connection.writer.flush()
}

/** Moves everything that comes from one connection to another. Nothing is copied. */
suspend fun forward(from: Connection, to: Connection) {
    while (from.reader.await()) {
        to.writer.append(from.reader)
        to.writer.flush()
    }
    to.shutdownOutput() // the end of the stream is passed on, and the other direction may go on
}

/** Answers each name with the length and the bytes of a file. */
suspend fun download(connection: Connection, folder: Path) {
    while (true) {
        val name = connection.reader.awaitLine(limit = 200) ?: break
        OpenFile.open(folder.resolve(Path.of(name).fileName)).use { file ->
            val size = file.size()
            connection.writer.putLong(size)
            connection.sendFile(file, count = size)
        }
    }
}

/** Sends a part of a file between other bytes, from where it is mapped: what is linked is not copied. */
suspend fun quote(connection: Connection, channel: FileChannel, offset: Long, count: Long) {
    val window = channel.map(FileChannel.MapMode.READ_ONLY, offset, count)
    connection.writer.putString("<quote>")
    connection.writer.link(window)
    connection.writer.putString("</quote>\n")
    connection.writer.flush()
}

/** Sends blocks of memory as fast as they are taken, each filled again when the kernel has done with it. */
suspend fun stream(connection: Connection, blocks: Int, fill: (ByteBuffer) -> Unit) {
    connection.setZeroCopy(ZeroCopy.from(64 * 1024))
    val free = Channel<ByteBuffer>(blocks)
    repeat(blocks) { free.send(ByteBuffer.allocateDirect(1024 * 1024)) }
    for (block in free) {
        fill(block.clear())
        connection.writer.link(block.flip()) { free.trySend(block) }
        connection.writer.flush()
    }
}

/** Writes much, and keeps little: never more than a row over the high-water mark. */
suspend fun export(connection: Connection, rows: Sequence<String>) {
    for (row in rows) connection.writer.writeString("$row\n")
    connection.writer.flush()
}

/** Answers what takes long; who has gone meanwhile is not worked for. Half-closing is going, in this protocol. */
suspend fun patient(connection: Connection, compute: suspend () -> String) = coroutineScope {
    val watch = launch {
        connection.awaitPeerClosed()
        this@coroutineScope.cancel("the client has gone")
    }
    val answer = compute()
    watch.cancel()
    connection.writer.putString(answer)
    connection.writer.flush()
}

/** Sums numbers until the peer has said all it has to say, and answers then. */
suspend fun sum(connection: Connection) {
    var sum = 0L
    while (connection.reader.await()) sum += connection.reader.awaitIntLe()
    connection.writer.putLongLe(sum)
    connection.writer.flush()
}

/** A login that must be over in ten seconds, then requests. A client that is silent for a minute is asked whether it is there. */
suspend fun session(connection: Connection) {
    val user = connection.within(10.seconds, "login") { it.reader.awaitLine() } ?: return
    connection.readTimeout = 60.seconds // it begins anew with every read
    while (true) {
        val request = try {
            connection.reader.awaitLine() ?: return
        } catch (_: NetparkException.TimedOut) { // nothing was read, and the connection is as before
            "ping"
        }
        connection.writer.putString("$user: $request\n")
        connection.writer.flush()
    }
}

/** Many coroutines, one connection: frames are whole, and each call returns when the kernel has its frame. */
suspend fun prices(connection: Connection, symbols: List<String>) = coroutineScope {
    for (symbol in symbols) {
        launch {
            repeat(3) { price -> connection.frames.write { putString("$symbol $price\n") } }
        }
    }
}

/** Looks at the first line here, and has another reactor do the rest. */
fun handOver(connection: Connection, other: Reactor): Connection = connection.detach().use { other.adopt(it) }

/** At most 256 MiB for all connections together; a reader that finds them in use waits. */
fun bounded(): Reactor = Reactor(
    buffering = Buffering(
        pool = SegmentPool.builder().limit(256L * 1024 * 1024).build(),
        inputLimit = 4 * 1024 * 1024,
        outputLimit = 8L * 1024 * 1024,
    ),
)

/** Serves until [end] completes, and then lets requests finish for up to twenty seconds. */
suspend fun serveUntil(end: Job, reactor: Reactor): Shutdown.Report = coroutineScope {
    val listener = reactor.listen("127.0.0.1", 0, admission = Admission.perSource(100))
    launch {
        listener.serve { connection ->
            while (connection.awaitRequest()) { // false at the end, and when the listener shuts down
                connection.writer.append(connection.reader)
                connection.writer.flush()
            }
        }
    }
    end.join()
    listener.shutdown(Shutdown(finish = 20.seconds))
}

/** Tries the addresses of a name as RFC 8305 has it, for five seconds at most, from an address of this machine. */
suspend fun dialFrom(reactor: Reactor, local: InetSocketAddress, host: String, port: Int): Connection {
    val dialer = reactor.dialer
        .withTimeout(5.seconds)
        .withLocalAddress(local)
        .withOptions(NetOptions.DEFAULT.with(NetOption.USER_TIMEOUT, 30.seconds))
    return reactor.dial(dialer, host, port)
}

/** Eight connections to Redis at most, which are checked if they have been idle for ten seconds. */
fun redisPool(reactor: Reactor): ConnectionPool = ConnectionPool(
    reactor,
    PoolOptions.DEFAULT.withMaxPerDestination(8).withMinIdle(1).withBackOff(10.milliseconds, 500.milliseconds),
    checkAfter = 10.seconds,
    check = { connection ->
        connection.write("PING\r\n".toByteArray())
        connection.reader.awaitLine() == "+PONG"
    },
)

/** Sets a key over whichever connection is free. Returns when Redis has said that it is set. */
suspend fun set(pool: ConnectionPool, redis: SocketAddress, key: String, value: String) = pool.use(redis) { connection ->
    connection.writer.putString("SET $key $value\r\n")
    connection.writer.flush()
    val answer = connection.reader.awaitLine()
    check(answer == "+OK") { "Redis said: $answer" }
}

/** Greets the users of this machine, each as who the kernel says it is. */
suspend fun greetLocally(listener: Listener) = listener.serve { connection ->
    val user = connection.peerCredentials().userId()
    connection.write("hello user $user\n".toByteArray())
}

fun listenLocally(reactor: Reactor, folder: Path): Listener = reactor.listen(UnixAddress.path(folder.resolve("greet.sock")))

/** Answers datagrams in batches: one system call for those that have come, one for all answers, and no object for any. */
suspend fun clock(socket: MessageSocket) {
    val batch = MessageBatch(64, 512)
    while (true) {
        repeat(socket.receive(batch)) { i ->
            val bytes = batch.bytes(i).clear() // the answer is written over the question, and goes to who has asked
            bytes.putLong(System.currentTimeMillis()).flip()
        }
        socket.send(batch)
    }
}

/** Asks until somebody answers, as datagrams get lost; and gives up when nobody is there. */
suspend fun time(reactor: Reactor, server: SocketAddress): Long = reactor.dialDatagrams(server).use { socket ->
    val answer = ByteBuffer.allocate(8)
    while (true) {
        socket.send(ByteBuffer.allocate(1))
        if (withTimeoutOrNull(1.seconds) { socket.receive(answer) } != null) break // a Refused is thrown
    }
    answer.flip().long
}

/** Gives a connection to another process, with the bytes that were read from it already. */
suspend fun passOn(connection: Connection, worker: Connection) {
    connection.detach().use { detached -> // closes it here, in any case: the worker has its own by then
        worker.writeDescriptors(ByteBuffer.allocate(1), detached.descriptor)
        worker.writer.putInt(detached.unread.size)
        worker.writer.put(detached.unread)
        worker.writer.flush()
    }
}

/** Takes over what [passOn] has given. */
suspend fun takeOver(from: Connection, reactor: Reactor): Connection = PassedDescriptors(1).use { passed ->
    from.readDescriptors(ByteBuffer.allocate(1), passed)
    val unread = from.reader.awaitBytes(from.reader.awaitInt())
    Detached(passed.take().single(), unread).use { reactor.adopt(it) }
}

/** Passes clients on to a server, byte by byte, without knowing what is said. */
suspend fun passThrough(listener: Listener, reactor: Reactor, server: SocketAddress) = listener.serve { client ->
    reactor.dial(server, timeout = 3.seconds).use { relay(client, it) }
}

/** As it does for those who say "CONNECT" first: bytes behind that line may have been read with it, and are passed on. */
suspend fun connectTo(client: Connection, reactor: Reactor, server: SocketAddress) {
    if (client.reader.awaitLine() != "CONNECT") return
    reactor.dial(server, timeout = 3.seconds).use { upstream ->
        val relayed = relay(client, upstream)
        println("${relayed.toOther} bytes there, ${relayed.fromOther} back")
    }
}

/** Lines that come are printed, and news go out, until the peer ends its stream. Both are parts of one handler. */
suspend fun talk(listener: Listener, news: Flow<String>) = listener.serve(
    context = { connection -> CoroutineName("${connection.remoteAddress}") },
    onFailure = { connection, failure -> println("${connection.remoteAddress}: ${failure.message}") },
) { connection ->
    val telling = launch {
        news.collect { line ->
            connection.writer.putString("$line\n")
            connection.writer.flush()
        }
    }
    connection.reader.lines().collect { println(it) }
    telling.cancel()
}

/** Tests a handler without a port: the server's end is what the handler gets, the client's end is the test's. */
suspend fun greeterGreets(reactor: Reactor) = coroutineScope {
    reactor.pair().use { (client, server) ->
        launch { server.serve { greeter(it) } }
        client.write("ann\n".toByteArray())
        check(client.reader.awaitLine() == "hello ann")
        client.shutdownOutput()
        check(client.reader.awaitLine() == null)
    }
}

/** Tests server and client on a network in memory, in a hundred orders. No port is taken, and no real time passes. */
fun greetsInEveryOrder() = runNetworkTest(seeds = 1L..100L) {
    val server = host("server")
    val client = host("client")
    val listener = server.reactor.listen(server.address(7000))
    launch { listener.serve { greeter(it) } }
    client.reactor.dial(server.address(7000)).use { connection ->
        connection.write("ann\n".toByteArray())
        check(connection.reader.awaitLine() == "hello ann")
    }
}

/** A line for everybody. A member that is so slow that there is no room for the line is cut off. Never suspends. */
fun broadcast(members: Iterable<Connection>, line: String) {
    val bytes = ByteBuffer.wrap("$line\n".toByteArray())
    for (member in members) {
        if (!member.frames.trySend { link(bytes.duplicate()) }) member.reset()
    }
}

/** Listens with TLS. When the files of the certificate change, new connections get the new one, until the watch is closed. */
fun listenSecurely(reactor: Reactor, chain: Path, key: Path): Pair<Listener, CertificateWatch> {
    val tls = ServerTls.of(chain, key)
    return reactor.listen("localhost", 0, tls = tls) to tls.watch(Duration.ofSeconds(10), Reporter.LOG)
}

/** Asks a server whose certificate an authority of ours has signed. */
suspend fun askSecurely(reactor: Reactor, authority: Path, port: Int): String? {
    val tls = ClientTls.builder().trust(authority).build()
    return reactor.dial("localhost", port, tls = tls).use { connection ->
        connection.write("ann\r\n".toByteArray())
        connection.reader.awaitLine()
    }
}

/** Listens for clients that show a certificate of this authority. */
fun listenToKnown(reactor: Reactor, chain: Path, key: Path, authorityOfClients: Path): Listener {
    val tls = ServerTls.builder().certificate(chain, key).clientAuth(ClientAuth.NEEDED).clientAuthorities(authorityOfClients).build()
    return reactor.listen("localhost", 0, tls = tls)
}

/** Greets whoever the certificate says that the client is. */
suspend fun greetByCertificate(connection: Connection) {
    val shown = connection.tlsSession!!.peerCertificates().first()
    connection.write("hello ${shown.subjectX500Principal.name}\r\n".toByteArray())
}

/** Shows a certificate, and asks. */
suspend fun askAsKnown(reactor: Reactor, authority: Path, chain: Path, key: Path, port: Int): String? {
    val tls = ClientTls.builder().trust(authority).certificate(chain, key).build()
    return reactor.dial("localhost", port, tls = tls).use { it.reader.awaitLine() }
}

/** Trusts those whose certificate an authority of ours has signed, and has not taken back by a list. */
fun checkingRevocation(authorities: KeyStore, lists: Collection<CRL>): ClientTls {
    val checker = CertPathBuilder.getInstance("PKIX").revocationChecker as PKIXRevocationChecker
    // Without these options: OCSP first.
    checker.options = setOf(PKIXRevocationChecker.Option.PREFER_CRLS, PKIXRevocationChecker.Option.NO_FALLBACK)
    val parameters = PKIXBuilderParameters(authorities, X509CertSelector())
    parameters.addCertStore(CertStore.getInstance("Collection", CollectionCertStoreParameters(lists)))
    parameters.addCertPathChecker(checker)
    val factory = TrustManagerFactory.getInstance("PKIX").apply { init(CertPathTrustManagerParameters(parameters)) }
    return ClientTls.builder().trustManager(factory.trustManagers.single() as X509TrustManager).build()
}

/** Begins in plain text. A client that says STARTTLS goes on with TLS. */
suspend fun upgradable(connection: Connection, tls: ServerTls) {
    if (connection.reader.awaitLine() != "STARTTLS") return connection.write("530 say STARTTLS first\r\n".toByteArray())
    connection.write("220 ready\r\n".toByteArray())
    val session = connection.startTls(tls)
    connection.write("250 this is ${session.protocol}\r\n".toByteArray())
}
