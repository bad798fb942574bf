package io.netpark.samples.tail;

import io.netpark.callback.poller.CallbackPoller;
import io.netpark.core.linux.Linux;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import org.jspecify.annotations.Nullable;

/** The file that had the name at one time: open, and read up to a position. Renamed or deleted, it can still be read. */
final class Generation implements AutoCloseable {

    private final FileChannel channel;
    private final Object key;
    private final Inotify inotify;
    private long position;

    private Generation(FileChannel channel, Object key, Inotify inotify) {
        this.channel = channel;
        this.key = key;
        this.inotify = inotify;
    }

    /**
     * Opens the file that has the name now, at its beginning.
     *
     * @param changed called on the loop when it has been written to, cut, or moved
     * @return null if there is none, or something else than a file
     */
    static @Nullable Generation open(Path path, CallbackPoller poller, Runnable changed) throws IOException {
        while (true) {
            Object key = key(path);
            if (key == null) {
                return null;
            }
            FileChannel channel;
            try {
                channel = FileChannel.open(path, StandardOpenOption.READ);
            } catch (NoSuchFileException e) {
                continue;
            }
            try {
                // From here on nothing is missed: whatever is written before the first read is read by that.
                Inotify inotify = new Inotify(poller, path, Linux.IN_MODIFY, changed);
                if (key.equals(key(path))) {
                    return new Generation(channel, key, inotify);
                }
                inotify.close(); // replaced meanwhile, and nobody knows whom is watched
            } catch (IOException | RuntimeException e) {
                channel.close();
                if (!key.equals(key(path))) {
                    continue;
                }
                throw e;
            }
            channel.close();
        }
    }

    /** Which file has the name, by its device and inode; null if none. */
    private static @Nullable Object key(Path path) throws IOException {
        try {
            BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
            return attributes.isRegularFile() ? attributes.fileKey() : null;
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    /** Whether another file has the name now. Not if there is none: the next one is still to come. */
    boolean isReplaced(Path path) throws IOException {
        Object now = key(path);
        return now != null && !now.equals(key);
    }

    long size() throws IOException {
        return channel.size();
    }

    /** Goes on there. */
    void position(long position) {
        this.position = position;
    }

    /** Whether it is shorter than what has been read of it: somebody has cut it. If it has grown back by now, nobody can tell. */
    boolean isTruncated() throws IOException {
        return channel.size() < position;
    }

    /** Reads on. Returns false at the present end. */
    boolean read(ByteBuffer target) throws IOException {
        int count = channel.read(target, position);
        if (count <= 0) {
            return false;
        }
        position += count;
        return true;
    }

    @Override
    public void close() throws IOException {
        inotify.close();
        channel.close();
    }
}
