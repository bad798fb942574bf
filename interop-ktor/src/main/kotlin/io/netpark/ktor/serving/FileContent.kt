package io.netpark.ktor.serving

import io.ktor.http.ContentType
import io.ktor.http.Headers
import io.ktor.http.HttpStatusCode
import io.ktor.http.content.OutgoingContent
import io.netpark.ktor.answers.FileAnswer
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext

/**
 * A content whose body is an open file. It goes through Ktor as a content without a body, so that Ktor does not open the file
 * once more to read it.
 */
internal class FileContent private constructor(
    private val content: OutgoingContent,
    val file: FileAnswer,
) : OutgoingContent.NoContent() {

    override val status: HttpStatusCode? get() = content.status
    override val contentType: ContentType? get() = content.contentType
    override val contentLength: Long? get() = content.contentLength
    override val headers: Headers get() = content.headers

    companion object {
        /**
         * The file of a content, open; null if its body is not that of a file. Opening may wait for the disk, and so leaves the
         * loop.
         */
        suspend fun of(content: ReadChannelContent): FileContent? {
            if (!FileAnswer.isFile(content) || content.contentLength == null) return null
            var file: FileAnswer? = null // what a cancelled withContext returns would be lost, and that would be an open file
            try {
                withContext(Dispatchers.IO) { file = FileAnswer.of(content) }
            } catch (e: Throwable) {
                file?.close()
                throw e
            }
            return file?.let { FileContent(content, it) }
        }
    }
}
