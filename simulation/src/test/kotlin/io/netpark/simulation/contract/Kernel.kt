package io.netpark.simulation.contract

import com.sun.jna.NativeLibrary
import io.netpark.core.sys.Binding
import io.netpark.core.sys.Clock
import io.netpark.core.sys.LibC
import io.netpark.core.testing.openDescriptors
import io.netpark.simulation.kernel.SimulatedKernel
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.attribute.FileTime
import java.time.Instant
import kotlin.io.path.ExperimentalPathApi
import kotlin.io.path.deleteRecursively
import kotlin.io.path.setLastModifiedTime
import kotlin.io.path.writeBytes

/** A kernel for the time of one test, and what is around it. */
interface Kernel : AutoCloseable {
    val libc: LibC

    /** A folder that is empty at first, for files of sockets. */
    val folder: String

    /** The path of a file with this content in [folder], which was [modified] then. */
    fun file(name: String, content: ByteArray, modified: Instant = Instant.EPOCH): String

    /** How many descriptors are open that a test may have opened. */
    val openDescriptors: Int

    /** Lets descriptors have numbers below this from now on (RLIMIT_NOFILE). */
    fun limitDescriptors(count: Int)

    /** Fails if the test has left anything behind that [NetparkSpec][io.netpark.core.testing.NetparkSpec] does not see. */
    override fun close()
}

/** A kind of kernel that the contract runs over, and what it is said not to have. */
class KernelKind(private val name: String, val lacks: Map<Feature, String>, val boot: () -> Kernel) {

    override fun toString() = name

    companion object {
        /** The real one by each binding that works on this JDK, then the model. */
        val all: List<KernelKind> = listOf(Binding.JNA, Binding.FFM).filter { it.unavailability() == null }.map { binding ->
            val libc = binding.open()
            KernelKind("Linux by $binding", emptyMap()) { Machine(libc) }
        } + KernelKind("the model", LACKING_IN_MODEL) { Model() }

        /** All that the contract does not ask of the model, and why. */
        private val LACKING_IN_MODEL get() = mapOf(
            Feature.FOLDERS to "the model's files have names only: every folder is there",
            Feature.FILE_EVENTS to "the model answers inotify with ENOSYS",
        )
    }
}

/** The kernel that this process runs on. */
private class Machine(override val libc: LibC) : Kernel {

    private val root: Path = Files.createTempDirectory("contract")

    override val folder: String get() = root.toString()

    override fun file(name: String, content: ByteArray, modified: Instant): String =
        root.resolve(name).apply {
            writeBytes(content)
            setLastModifiedTime(FileTime.from(modified))
        }.toString()

    override val openDescriptors: Int get() = openDescriptors()

    /** What getrlimit(2) said before the test set a limit. */
    private var limits: LongArray? = null

    override fun limitDescriptors(count: Int) {
        val before = LongArray(2)
        check(call("getrlimit", before) == 0)
        limits = before
        check(call("setrlimit", longArrayOf(count.toLong(), before[1])) == 0)
    }

    /** RLIMIT_NOFILE is 7. */
    private fun call(name: String, limits: LongArray): Int =
        NativeLibrary.getProcess().getFunction(name).invokeInt(arrayOf(7, limits))

    @OptIn(ExperimentalPathApi::class)
    override fun close() {
        limits?.let { call("setrlimit", it) }
        root.deleteRecursively()
    }
}

/** The simulated kernel, by the time of this machine. */
private class Model : Kernel {

    override val libc = SimulatedKernel(Clock.SYSTEM)

    override val folder: String get() = "/contract"

    override val openDescriptors: Int get() = libc.descriptors().size

    override fun file(name: String, content: ByteArray, modified: Instant): String =
        "$folder/$name".also { libc.writeFile(it, content, modified) }

    override fun limitDescriptors(count: Int) = libc.limits().descriptors(count)

    override fun close() {
        val left = libc.descriptors()
        check(left.isEmpty()) { "left open: $left" }
    }
}
