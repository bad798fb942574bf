package io.netpark.ktor.answers

import io.ktor.http.HttpHeaders
import io.ktor.http.content.OutgoingContent
import io.ktor.http.content.OutgoingContent.ReadChannelContent
import io.ktor.server.http.content.LocalFileContent
import io.ktor.server.http.content.LocalPathContent
import io.netpark.core.net.files.OpenFile
import io.netpark.coroutines.Connection
import io.netpark.coroutines.transfer.sendFile
import java.lang.reflect.Method
import java.nio.file.AccessDeniedException
import java.nio.file.FileSystemException
import java.nio.file.FileSystems
import java.nio.file.NoSuchFileException
import java.nio.file.Path

/**
 * A file, or one range of it, that is the body of an answer as it stands. The kernel moves the bytes (sendfile(2)), or they are
 * encrypted 64 KiB at a time.
 *
 * The file is opened before the head of the answer is committed, so that a file that cannot be read is an answer of its own.
 *
 * @property offset of the body's first byte in the file
 */
internal class FileAnswer private constructor(private val file: OpenFile, private val offset: Long) : AutoCloseable {

    /**
     * Sends the body after all that the connection's writer holds. Suspends while the peer, or the network, does not take more.
     *
     * **Cancelled**, timed out or failed after a part of the file, it breaks the connection's output, which ends by a reset then.
     *
     * @param count how many bytes the head has promised
     * @throws io.netpark.core.sys.NetparkException.Truncated the file has fewer by now
     * @throws io.netpark.core.sys.NetparkException as [sendFile]
     */
    suspend fun send(connection: Connection, count: Long) {
        if (count > 0) connection.sendFile(file, offset, count)
    }

    override fun close(): Unit = file.close()

    override fun toString(): String = "${file.path()} from $offset on"

    companion object {
        /** Whether the body of [content] is a file, or one range of it. That costs little to know. */
        fun isFile(content: ReadChannelContent): Boolean = fileOf(content) != null

        /**
         * The file of [content], open. Opening waits for the disk if the kernel has not got the folder in memory.
         *
         * @return null if the body is made in another way, or from a file of another kind. It is to be read from the content's
         *     channel then
         * @throws NoSuchFileException there is none any more
         * @throws AccessDeniedException this process may not read it
         * @throws io.netpark.core.sys.NetparkException.TooManyDescriptors there is no descriptor left
         */
        fun of(content: ReadChannelContent): FileAnswer? {
            val path = fileOf(content) ?: return null
            val offset = if (content.javaClass.name == RANGE) firstByte(content) else 0
            return if (offset < 0) null else open(path, offset)
        }

        private fun open(path: Path, offset: Long): FileAnswer? = try {
            if (path.fileSystem === FileSystems.getDefault()) FileAnswer(OpenFile.open(path), offset) else null
        } catch (e: FileSystemException) {
            if (e is NoSuchFileException || e is AccessDeniedException) throw e
            null // a pipe or a device: Ktor reads it
        }

        private fun fileOf(content: OutgoingContent): Path? {
            val isWrapped = content.javaClass.name.let { it == WHOLE || it == RANGE } // anything else may have other bytes than the file
            return when (val body = if (isWrapped) ORIGINAL.get(content.javaClass)?.invoke(content) else content) {
                is LocalFileContent -> body.file.toPath()
                is LocalPathContent -> body.path
                else -> null
            }
        }

        /** Of "bytes 100-199/1000"; negative if it is not known. */
        private fun firstByte(content: OutgoingContent): Long {
            val range = content.headers[HttpHeaders.ContentRange] ?: return -1
            return range.removePrefix("bytes ").substringBefore('-').toLongOrNull() ?: -1
        }

        /**
         * How the plugin for ranges is asked what it has wrapped. Its class is Ktor's own affair, and public only for the JVM. One that
         * does not answer is no file, and Ktor reads it.
         */
        private val ORIGINAL = object : ClassValue<Method?>() {
            override fun computeValue(type: Class<*>): Method? = try {
                type.getMethod("getOriginal")
            } catch (_: NoSuchMethodException) {
                null
            }
        }

        // What Ktor's plugin for ranges makes of a content: one range, or the whole where no range is asked for.
        private const val RANGE = "io.ktor.server.plugins.partialcontent.PartialOutgoingContent\$Single"
        private const val WHOLE = "io.ktor.server.plugins.partialcontent.PartialOutgoingContent\$Bypass"
    }
}
