package io.netpark.samples.http

import io.netpark.core.net.files.OpenFile
import io.netpark.core.sys.NetparkException
import io.netpark.http.Refusal
import io.netpark.http.RequestTarget
import io.netpark.http.Status
import java.io.IOException
import java.nio.file.Files
import java.nio.file.InvalidPathException
import java.nio.file.LinkOption.NOFOLLOW_LINKS
import java.nio.file.Path

/** A folder whose files everybody may read. Its functions look at the disk, so they must not run on an event loop. */
internal class StaticFolder(root: Path) {

    private val root: Path = root.toRealPath()

    /**
     * Opens the file of a path that [RequestTarget.path] has found harmless. A link counts as what it leads to, which must be in
     * the folder as well. (Who can put a link in the place of a file between that check and the opening can write to the folder.)
     *
     * @return to be closed; null if there is no such file, or it is not for everybody
     */
    fun open(path: String): StaticFile? {
        try {
            if (path.startsWith('/') || "//" in path) return null
            var file = root.resolve(path).toRealPath()
            if (path.isEmpty() || path.endsWith('/')) file = file.resolve("index.html").toRealPath()
            if (!file.startsWith(root)) return null
            if (!Files.isRegularFile(file, NOFOLLOW_LINKS)) return null // to open a device may do something
            return StaticFile(OpenFile.open(file), typeOf(file))
        } catch (_: NetparkException.TooManyDescriptors) {
            throw Refusal(Status.SERVICE_UNAVAILABLE, "no descriptor is left for a file")
        } catch (_: IOException) {
            return null
        } catch (_: InvalidPathException) {
            return null
        }
    }

    private fun typeOf(file: Path): String = TYPES[file.fileName.toString().substringAfterLast('.', "").lowercase()]
        ?: "application/octet-stream"

    private companion object {
        val TYPES = mapOf(
            "html" to "text/html; charset=utf-8", "txt" to "text/plain; charset=utf-8", "css" to "text/css; charset=utf-8",
            "js" to "text/javascript; charset=utf-8", "json" to "application/json", "xml" to "application/xml",
            "svg" to "image/svg+xml", "png" to "image/png", "jpg" to "image/jpeg", "jpeg" to "image/jpeg", "gif" to "image/gif",
            "webp" to "image/webp", "ico" to "image/x-icon", "woff2" to "font/woff2", "wasm" to "application/wasm",
            "pdf" to "application/pdf", "mp4" to "video/mp4", "mp3" to "audio/mpeg",
        )
    }
}
