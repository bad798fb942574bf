package io.netpark.core.net.streams

import io.kotest.assertions.withClue
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.types.shouldBeSameInstanceAs
import io.netpark.core.buffer.LinkBuffer
import io.netpark.core.buffer.SegmentPool
import io.netpark.core.fd.Descriptor
import io.netpark.core.fd.Direction
import io.netpark.core.net.dialing.Connecting
import io.netpark.core.net.files.FileTransfer
import io.netpark.core.net.listening.ListenerDescriptor
import io.netpark.core.net.messages.Envelope
import io.netpark.core.net.messages.MessageBatch
import io.netpark.core.net.messages.MessageDescriptor
import io.netpark.core.net.messages.MessageListenerDescriptor
import io.netpark.core.net.messages.MessagePair
import io.netpark.core.net.options.NetOptions
import io.netpark.core.net.socket.PassedDescriptors
import io.netpark.core.net.socket.SocketDescriptor
import io.netpark.core.sys.NetparkException
import io.netpark.core.sys.OpenDescriptor
import io.netpark.core.sys.Pipe
import io.netpark.core.testing.Bindings
import io.netpark.core.testing.BlockingConnection
import io.netpark.core.testing.Family
import io.netpark.core.testing.NetparkSpec
import io.netpark.core.testing.Sabotage
import io.netpark.core.testing.TestReactor
import io.netpark.core.testing.eventually
import io.netpark.core.testing.tls.ScriptedEngine
import io.netpark.core.testing.tls.awaitTls
import io.netpark.core.testing.tls.beginTls
import java.io.IOException
import java.lang.reflect.InvocationTargetException
import java.lang.reflect.Method
import java.net.SocketAddress
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.nio.file.Files
import java.nio.file.Path

/** What an operation must not leave behind, whatever is thrown in its midst: a lock, a reference, a descriptor. */
class OperationNetSpec : NetparkSpec(body = {
    test("every operation of every descriptor is walked here") {
        val known = SHAPES.map { it.operation }.toSet()
        val all = listOf(ConnectionDescriptor::class.java, ListenerDescriptor::class.java, MessageListenerDescriptor::class.java, MessageDescriptor::class.java)
            .flatMap { operations(it) }.map { operation(it) }.toSet()
        all.filterNot { it.startsWith("Tls") || it == "Handshake()" }.toSet() shouldBe known // those are none, or make no system call
    }

    for (shape in SHAPES + SHAPES.filter { it.kind == Kind.STREAM && it.operation in OF_TLS }.map { it.overTls() }) {
        test("${shape.operation} of ${shape.what}: an error in any of its system calls ends it, and it alone") {
            Rig(shape).use { rig ->
                for (error in ERRORS) {
                    rig.walk(error, retry = false)
                    if (shape.mayPark) rig.walk(error, retry = true)
                }
                rig.closeChecked()
            }
        }

        if (shape.nullable) {
            test("${shape.operation} of ${shape.what}: what is missing ends it, and it alone") {
                Rig(shape).use { rig ->
                    rig.withNulls(retry = false)
                    if (shape.mayPark) rig.withNulls(retry = true)
                    rig.closeChecked()
                }
            }
        }
    }

    test("a write that fails in its midst has taken what was sent out of its buffers, and the next goes on behind it") {
        val sabotage = Sabotage()
        TestReactor(sabotage.libc).use { reactor ->
            val (client, server) = reactor.pair()
            client.use {
                server.use {
                    // A heap buffer of more than a scratch takes two system calls.
                    val source = ByteBuffer.wrap(ByteArray(100_000) { it.toByte() })
                    sabotage.arm(2, OutOfMemoryError("injected"))
                    val thrown = runCatching { client.connection.startWrite(source) }.exceptionOrNull()
                    sabotage.disarm()
                    (thrown is OutOfMemoryError) shouldBe true
                    source.position() shouldNotBe 0
                    client.connection.startWrite(source) shouldBe 0
                    server.readFully(100_000) shouldBe source.array()
                }
            }
        }
    }

    test("an error in the system call of a TLS connection loses no record, neither one that comes nor one that goes") {
        val sabotage = Sabotage()
        TestReactor(sabotage.libc).use { reactor ->
            val (client, server) = reactor.pair()
            client.use {
                server.use {
                    server.beginTls(ScriptedEngine().server()).awaitTls()
                    for (error in ERRORS) {
                        client.write(ScriptedEngine.record("abc".toByteArray()))
                        val target = ByteBuffer.allocate(3)
                        val source = text()
                        sabotage.arm(1, error)
                        val read = runCatching { server.connection.startRead(target) }
                        sabotage.arm(1, error)
                        val written = runCatching { server.connection.startWrite(source) }
                        sabotage.disarm()
                        read.exceptionOrNull() shouldBeSameInstanceAs error
                        written.exceptionOrNull() shouldBeSameInstanceAs error
                        server.readFully(target).array() shouldBe "abc".toByteArray()
                        source.hasRemaining() shouldBe false // it is a record, which goes with the next, or when there is room
                        server.write("def")
                        client.readText(16) shouldBe String(ScriptedEngine.record("abc".toByteArray()) + ScriptedEngine.record("def".toByteArray()))
                    }
                }
            }
        }
    }

    test("a retry of an operation that was abandoned is refused, and harms nothing") {
        TestReactor().use { reactor ->
            val (client, server) = reactor.pair()
            client.use {
                server.use {
                    val target = ByteBuffer.allocate(10)
                    client.connection.startRead(target) shouldBe Descriptor.PARK
                    client.connection.abandon(Direction.READ)
                    (runCatching { client.connection.retryRead(target) }.exceptionOrNull() is IllegalStateException) shouldBe true
                    references(client.connection) shouldBe 0
                    server.write("hello")
                    client.readText(5) shouldBe "hello"
                }
            }
        }
    }

    test("a failure says whose it is, also when more is said of it") {
        TestReactor().use { reactor ->
            val (client, server) = reactor.pair()
            client.use {
                server.use {
                    client.connection.setDeadline(Direction.READ, System.nanoTime() - 1)
                    val failure = runCatching { client.connection.startRead(ByteBuffer.allocate(1)) }.exceptionOrNull()
                    val timedOut = failure as NetparkException.TimedOut
                    for (said in listOf(timedOut, NetparkException.like(timedOut, "more"))) {
                        said.isAbout(client.connection) shouldBe true
                        said.isAbout(server.connection) shouldBe false
                    }
                    server.close()
                    val closed = runCatching { server.connection.startWrite(ByteBuffer.allocate(1)) }.exceptionOrNull()
                    (closed as NetparkException).isAbout(server.connection) shouldBe true
                }
            }
        }
    }
})

private val ERRORS = listOf(OutOfMemoryError("injected"), StackOverflowError(), IllegalStateException("injected"))

/** An operation, and what it is given. */
private class Shape(
    val operation: String,
    val what: String,
    val kind: Kind,
    val nullable: Boolean = true,
    val arguments: (Rig) -> Array<Any?>,
) {
    val direction = if (Regex("(Write|Send|Whole|Connect).*|Splice\\(Pipe\\)").matches(operation)) Direction.WRITE else Direction.READ

    /** A write over TLS need not, though the socket takes nothing: the loop may be quick to send the record. */
    val mayPark = kind != Kind.SECURE || direction == Direction.READ

    fun overTls() = Shape(operation, "$what over TLS", Kind.SECURE, nullable, arguments)
}

private enum class Kind { STREAM, SECURE, MESSAGES, LISTENER, MESSAGE_LISTENER }

/** Those that go on to the records: others are refused, or have nothing to do. */
private val OF_TLS = setOf(
    "Read(ByteBuffer)", "Read(ByteBuffer[])", "Read(LinkBuffer)", "Watch()",
    "Write(ByteBuffer)", "Write(ByteBuffer[])", "Write(LinkBuffer)", "Send(FileTransfer)", "Whole(ByteBuffer)", "Whole(FileTransfer)",
)

private fun operations(type: Class<*>): List<Method> = generateSequence(type) { it.superclass }
    .takeWhile { it != Any::class.java }
    .flatMap { it.declaredMethods.asSequence() }
    .filter { !it.isSynthetic && Regex("(start|retry)[A-Z].*").matches(it.name) }
    .toList()

private fun operation(method: Method): String =
    method.name.replace(Regex("^(start|retry)"), "") + method.parameterTypes.joinToString(", ", "(", ")") { it.simpleName }

private fun references(descriptor: Descriptor): Long {
    val lock = Descriptor::class.java.getDeclaredField("lock").apply { isAccessible = true }.get(descriptor)
    return lock.javaClass.getDeclaredMethod("references").apply { isAccessible = true }.invoke(lock) as Long
}

private fun number(descriptor: Descriptor): Int =
    Descriptor::class.java.getDeclaredField("fd").apply { isAccessible = true }.getInt(descriptor)

/** What is behind a number; null if nothing is. */
private fun behind(fd: Int): String? = try {
    Files.readSymbolicLink(Path.of("/proc/self/fd/$fd")).toString()
} catch (_: IOException) {
    null
}

private fun text() = ByteBuffer.wrap("abc".toByteArray())
private fun directText() = ByteBuffer.allocateDirect(3).put(text()).flip()

private val SHAPES = listOf(
    Shape("Read(ByteBuffer)", "a direct buffer", Kind.STREAM) { arrayOf(ByteBuffer.allocateDirect(2)) },
    Shape("Read(ByteBuffer)", "a heap buffer", Kind.STREAM) { arrayOf(ByteBuffer.allocate(2)) },
    Shape("Read(ByteBuffer[])", "both", Kind.STREAM) { arrayOf(arrayOf(ByteBuffer.allocate(1), ByteBuffer.allocateDirect(1))) },
    Shape("Read(LinkBuffer)", "a chain", Kind.STREAM) { arrayOf(it.chain()) },
    Shape("Read(LinkBuffer, boolean)", "a chain", Kind.STREAM) { arrayOf(it.chain(), true) },
    Shape("Read(LinkBuffer, long)", "a chain", Kind.STREAM) { arrayOf(it.chain(), 2L) },
    Shape("Watch()", "a stream", Kind.STREAM, nullable = false) { arrayOf() },
    Shape("Splice(Pipe, long)", "a pipe", Kind.STREAM) { arrayOf(it.pipe(), 2L) },
    Shape("ReadDescriptors(ByteBuffer, PassedDescriptors)", "a buffer", Kind.STREAM) {
        arrayOf(ByteBuffer.allocate(2), PassedDescriptors(1))
    },
    Shape("Write(ByteBuffer)", "a direct buffer", Kind.STREAM) { arrayOf(directText()) },
    Shape("Write(ByteBuffer)", "a heap buffer", Kind.STREAM) { arrayOf(text()) },
    Shape("Write(ByteBuffer[])", "both", Kind.STREAM) { arrayOf(arrayOf(text(), directText())) },
    Shape("Write(LinkBuffer)", "one segment", Kind.STREAM) { arrayOf(it.chain().apply { put(text()) }) },
    Shape("Write(LinkBuffer)", "several, with bytes on the heap", Kind.STREAM) { rig ->
        arrayOf(rig.chain().apply { put(text()); link(text()) {}; link(directText()) {} })
    },
    Shape("WriteDescriptors(ByteBuffer, OpenDescriptor[])", "a buffer", Kind.STREAM) {
        arrayOf(text(), arrayOf(OpenDescriptor.of(number(it.descriptor))))
    },
    Shape("Send(FileTransfer)", "a file", Kind.STREAM) { arrayOf(it.file()) },
    Shape("Send(FileTransfer)", "a channel", Kind.STREAM) { arrayOf(it.channel()) },
    Shape("Whole(ByteBuffer)", "a heap buffer", Kind.STREAM) { arrayOf(text()) },
    Shape("Whole(FileTransfer)", "a file", Kind.STREAM) { arrayOf(it.file()) },
    Shape("Splice(Pipe)", "a pipe", Kind.STREAM) { arrayOf(it.pipe().apply { it.fill(this) }) },
    Shape("Connect()", "a stream", Kind.STREAM, nullable = false) { arrayOf() },
    Shape("Receive(ByteBuffer, Envelope, PassedDescriptors)", "a direct buffer", Kind.MESSAGES) {
        arrayOf(ByteBuffer.allocateDirect(9), Envelope(), PassedDescriptors(1))
    },
    Shape("Receive(ByteBuffer, Envelope, PassedDescriptors)", "a heap buffer", Kind.MESSAGES) {
        arrayOf(ByteBuffer.allocate(9), null, null)
    },
    Shape("Receive(MessageBatch)", "a batch", Kind.MESSAGES) { arrayOf(MessageBatch(2, 16)) },
    Shape("Send(ByteBuffer, SocketAddress, OpenDescriptor[])", "a buffer", Kind.MESSAGES) {
        arrayOf(text(), it.address(), emptyArray<OpenDescriptor>())
    },
    Shape("Send(MessageBatch)", "a batch", Kind.MESSAGES) { rig ->
        arrayOf(MessageBatch(2, 16).apply { put(text(), rig.address()); put(text(), rig.address()) })
    },
    Shape("Accept()", "a listener of streams", Kind.LISTENER, nullable = false) { arrayOf() },
    Shape("Accept()", "a listener of packets", Kind.MESSAGE_LISTENER, nullable = false) { arrayOf() },
)

/** A descriptor, with a peer, and what operations need besides. */
private class Rig(private val shape: Shape) : AutoCloseable {
    private val sabotage = Sabotage()
    private val reactor = TestReactor(sabotage.libc)
    private val others = ArrayDeque<AutoCloseable>()
    private val file = lazy { Files.createTempFile("netpark", null).also { Files.writeString(it, "abc") } }
    lateinit var descriptor: Descriptor
        private set
    private val methods: List<Method>

    init {
        open()
        methods = operations(descriptor.javaClass).filter { operation(it) == shape.operation }.onEach { it.isAccessible = true }
        check(methods.isNotEmpty())
    }

    private fun <T : AutoCloseable> keep(other: T): T = other.also { others.addFirst(it) }

    private fun open() {
        val address = Family.ABSTRACT.freshAddress()
        descriptor = when (shape.kind) {
            Kind.STREAM -> ListenerDescriptor.listen(reactor.group, address, NetOptions.DEFAULT).use { listener ->
                val client = keep(Connecting.begin(reactor.loop, address, NetOptions.DEFAULT))
                client.startConnect() shouldBe 0
                client.startWrite(ByteBuffer.allocate(1000)) shouldBe 0
                keep(listener.startAccept()!!)
            }
            Kind.SECURE -> {
                val pair = ConnectionDescriptor.pair(reactor.loop, reactor.loop)
                keep(BlockingConnection(pair.first)).write(ScriptedEngine.record(ByteArray(2)))
                keep(BlockingConnection(pair.second)).beginTls(ScriptedEngine().server()).awaitTls().connection
            }
            Kind.MESSAGES -> keep(MessageDescriptor.bind(reactor.loop, address, NetOptions.DEFAULT))
            Kind.LISTENER -> keep(ListenerDescriptor.listen(reactor.group, address, NetOptions.DEFAULT))
            Kind.MESSAGE_LISTENER -> keep(MessageListenerDescriptor.listen(reactor.group, address, NetOptions.DEFAULT))
        }
    }

    fun address(): SocketAddress = (descriptor as SocketDescriptor).localAddress()

    /** What it has to find. */
    private fun feed() {
        when (shape.kind) {
            Kind.STREAM -> if (descriptor.isClosed || descriptor.isOutputCutOff) open() // as a copy's is that has waited
            Kind.SECURE -> open() // all that has come is read at once
            Kind.MESSAGES -> with(descriptor as MessageDescriptor) {
                if (startSend(text(), address()) == Descriptor.PARK) abandon(Direction.WRITE) // there is enough
                if (shape.operation.startsWith("Send")) {
                    while (startReceive(ByteBuffer.allocate(9), null, null) != Descriptor.PARK) continue
                    abandon(Direction.READ)
                }
            }
            Kind.LISTENER -> keep(Connecting.begin(reactor.loop, address(), NetOptions.DEFAULT))
            Kind.MESSAGE_LISTENER -> keep(MessageDescriptor.dialPackets(reactor.loop, address(), NetOptions.DEFAULT))
        }
    }

    // What operations are given

    fun chain(): LinkBuffer = keep(LinkBuffer(SegmentPool.shared()))
    fun pipe(): Pipe = keep(Pipe.open(sabotage.libc)!!)
    fun file(): FileTransfer = keep(FileTransfer.open(file.value))
    fun channel(): FileTransfer = FileTransfer.of(keep(FileChannel.open(file.value)), 0, FileTransfer.REST)

    fun fill(pipe: Pipe) {
        MessagePair(Bindings.best).use {
            it.write("abc")
            pipe.fill(it.reader(), 3) shouldBe 3
            Bindings.best.close(it.reader())
        }
    }

    // Operations

    private fun run(prefix: String, arguments: Array<Any?>): Any? = try {
        methods.single { it.name.startsWith(prefix) }.invoke(descriptor, *arguments)
    } catch (failure: InvocationTargetException) {
        throw failure.targetException
    }

    private fun parks(outcome: Any?) = outcome == null || outcome == Descriptor.PARK

    private fun begin(arguments: Array<Any?>) {
        sabotage.park()
        val outcome = try {
            run("start", arguments)
        } finally {
            sabotage.disarm()
        }
        parks(outcome) shouldBe true
    }

    private fun end(outcome: Any?) {
        if (parks(outcome)) descriptor.abandon(shape.direction)
        if (outcome is SocketDescriptor) { // the next accept believes that nobody else is there, once
            outcome.close()
            end(run("start", arrayOf()))
        }
    }

    /** Has the first call fail, then the second, and so on until there is none that could. */
    fun walk(error: Throwable, retry: Boolean) {
        var call = 0
        do {
            call++
            feed()
            val arguments = shape.arguments(this)
            if (retry) begin(arguments)
            sabotage.arm(call, error)
            val outcome = runCatching { run(if (retry) "retry" else "start", arguments) }
            sabotage.disarm()
            withClue("call $call, ${if (retry) "retry" else "start"}, $error, $outcome") {
                if (sabotage.hit) outcome.exceptionOrNull() shouldBeSameInstanceAs error else end(outcome.getOrThrow())
                descriptor.isInUse shouldBe false
                eventually { references(descriptor) shouldBe 0 } // the loop may be sending a record
            }
        } while (sabotage.hit)
        call shouldNotBe 1
    }

    fun withNulls(retry: Boolean) {
        val count = shape.arguments(this).size
        for (missing in 0 until count) {
            feed()
            val arguments = shape.arguments(this)
            if (arguments[missing] is Long || arguments[missing] is Boolean) continue
            if (retry) begin(arguments)
            val holed = arguments.copyOf().also { given ->
                val elements = given[missing]?.javaClass?.componentType
                given[missing] = when (elements) {
                    null -> null
                    OpenDescriptor::class.java -> arrayOfNulls<OpenDescriptor>(2)
                    else -> arrayOfNulls<ByteBuffer>(2).also { it[0] = text() }
                }
            }
            // A message without an envelope is as good as one with it; everything else throws.
            runCatching { run(if (retry) "retry" else "start", holed) }.onSuccess { end(it) }
            withClue("argument $missing is null, ${if (retry) "retry" else "start"}") {
                descriptor.isInUse shouldBe false
                eventually { references(descriptor) shouldBe 0 }
            }
        }
    }

    /** It works, can be closed, and its number is gone then. */
    fun closeChecked() {
        feed()
        end(run("start", shape.arguments(this)))
        val fd = number(descriptor)
        val before = behind(fd)
        before shouldNotBe null
        descriptor.close()
        eventually { behind(fd) shouldNotBe before } // the loop may be sending a record
    }

    override fun close() {
        others.forEach { it.close() }
        reactor.close()
        if (file.isInitialized()) Files.delete(file.value)
    }
}
