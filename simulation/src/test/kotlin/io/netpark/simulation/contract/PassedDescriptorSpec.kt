package io.netpark.simulation.contract

import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.netpark.core.linux.Linux
import io.netpark.core.memory.NativeMemory
import io.netpark.core.sys.Errno
import io.netpark.core.sys.Rights

private const val HEADER = 16

/** A control message with descriptors (cmsg(3)). */
private fun Caller.rights(vararg descriptors: Int): NativeMemory =
    memory(HEADER + (descriptors.size * Int.SIZE_BYTES + 7 and -8)).apply {
        buffer().putLong(0, (HEADER + descriptors.size * Int.SIZE_BYTES).toLong())
        buffer().putInt(8, Linux.SOL_SOCKET).putInt(12, Linux.SCM_RIGHTS)
        descriptors.forEachIndexed { i, fd -> buffer().putInt(HEADER + i * Int.SIZE_BYTES, fd) }
    }

/** The descriptors that have come with a message. */
private fun Caller.descriptors(message: Message): List<Int> =
    List(Rights.count(message.control.buffer(), 0, message.controlLength)) {
        own(Rights.get(message.control.buffer(), 0, message.controlLength, it))
    }

/** SCM_RIGHTS of unix(7). */
class PassedDescriptorSpec : ContractSpec({
    fun passing(name: String, body: Caller.() -> Unit) = contract(name, Feature.PASSED_DESCRIPTORS) { body() }

    passing("a descriptor that is passed is another number for the same open file") {
        val (left, right) = socketPair()
        val fd = eventfd(5)
        sendMessage(left, "take this", control = rights(fd)) shouldBe 9
        val message = receiveMessage(right, 100, controlRoom = Rights.MAX_SIZE, flags = Linux.MSG_CMSG_CLOEXEC)
        message.text shouldBe "take this"
        val (passed) = descriptors(message)
        passed shouldNotBe fd
        libc.fcntl(passed, Linux.F_GETFD, 0) shouldBe Linux.FD_CLOEXEC
        readNumber(passed) shouldBe 5
        read(fd, 8) shouldFailWith Errno.EAGAIN
    }

    passing("a descriptor on its way keeps its file open") {
        val (left, right) = socketPair()
        val (reader, writer) = pipe()
        sendMessage(left, "x", control = rights(writer)) shouldBe 1
        close(writer)
        read(reader) shouldFailWith Errno.EAGAIN
        val (passed) = descriptors(receiveMessage(right, 1, controlRoom = Rights.MAX_SIZE))
        write(passed, "alive") shouldBe 5
        readText(reader) shouldBe "alive"
        close(passed)
        read(reader) shouldBe 0
    }

    passing("a message that nobody receives closes what it carries") {
        val (left, right) = socketPair()
        val (reader, writer) = pipe()
        sendMessage(left, "x", control = rights(writer)) shouldBe 1
        close(writer)
        close(right)
        close(left)
        awaitAny(reader, Linux.EPOLLIN)
        read(reader) shouldBe 0
    }

    passing("several come in their order, and those that have no room are closed: MSG_CTRUNC") {
        val (left, right) = socketPair()
        val all = List(3) { eventfd(it + 1) }
        sendMessage(left, "x", control = rights(*all.toIntArray())) shouldBe 1
        val message = receiveMessage(right, 1, controlRoom = Rights.MAX_SIZE)
        message.flags and Linux.MSG_CTRUNC shouldBe 0
        descriptors(message).map { readNumber(it) } shouldBe listOf(1L, 2L, 3L)
        sendMessage(left, "x", control = rights(*all.toIntArray())) shouldBe 1
        val cut = receiveMessage(right, 1, controlRoom = HEADER + 2 * Int.SIZE_BYTES)
        cut.flags and Linux.MSG_CTRUNC shouldBe Linux.MSG_CTRUNC
        descriptors(cut).size shouldBe 2
    }

    passing("plain receiving drops them, and takes the bytes") {
        val (left, right) = socketPair()
        val (reader, writer) = pipe()
        sendMessage(left, "only bytes", control = rights(writer)) shouldBe 10
        close(writer)
        receiveText(right) shouldBe "only bytes"
        awaitAny(reader, Linux.EPOLLIN)
        read(reader) shouldBe 0
    }

    passing("bytes of a stream are not received together with those behind descriptors") {
        val (left, right) = socketPair()
        send(left, "before ") shouldBe 7
        sendMessage(left, "with ", control = rights(eventfd())) shouldBe 5
        send(left, "after") shouldBe 5
        val first = receiveMessage(right, 100, controlRoom = Rights.MAX_SIZE)
        val second = if (first.controlLength == 0) receiveMessage(right, 100, controlRoom = Rights.MAX_SIZE) else null
        descriptors(second ?: first).size shouldBe 1
        val rest = tryReceiveMessage(right, 100, controlRoom = Rights.MAX_SIZE)
        first.text + (second?.text ?: "") + rest.text shouldBe "before with after"
    }

    passing("a number that is not open cannot be passed") {
        val (left, right) = socketPair()
        sendMessage(left, "x", control = rights(-1)) shouldFailWith Errno.EBADF
        receive(right) shouldFailWith Errno.EAGAIN
    }
})
