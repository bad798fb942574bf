package io.netpark.simulation.description;

import io.netpark.core.linux.Linux;
import io.netpark.core.sys.Errno;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;

/**
 * The files of a host, in memory. It knows names and not folders: every folder is there, and a name is what it is written as.
 */
public final class FileTree {

    private static final int ENXIO = 6;
    private static final int EROFS = 30;

    private final Map<String, FileNode> nodes = new HashMap<>();
    private long inode;

    private static String name(byte[] path) {
        return new String(path, StandardCharsets.ISO_8859_1); // bytes, as the kernel has them
    }

    /** Makes a regular file, or gives one another content. */
    public void write(byte[] path, byte[] content, Instant modified) {
        FileNode known = nodes.get(name(path));
        nodes.put(name(path), new FileNode(known != null ? known.inode() : ++inode, Linux.S_IFREG, content.clone(), modified, null));
    }

    /** Makes the file of a unix socket, which is as old as time. */
    public void addSocket(byte[] path, Object socket) {
        if (nodes.containsKey(name(path))) {
            throw new Failure(Errno.EADDRINUSE);
        }
        nodes.put(name(path), new FileNode(++inode, Linux.S_IFSOCK, new byte[0], Instant.EPOCH, socket));
    }

    /** What has a name, which must be there. */
    public FileNode require(byte[] path) {
        FileNode node = nodes.get(name(path));
        if (node == null) {
            throw new Failure(Errno.ENOENT);
        }
        return node;
    }

    /** open(2), to read. */
    public RegularFile open(byte[] path, int flags) {
        FileNode node = require(path);
        if ((flags & (Description.O_WRONLY | Description.O_RDWR)) != 0) {
            throw new Failure(EROFS);
        }
        if (node.kind() != Linux.S_IFREG) {
            throw new Failure(ENXIO);
        }
        return new RegularFile(node, flags);
    }

    /** unlink(2). Who has the file open keeps it. */
    public void unlink(byte[] path) {
        require(path);
        nodes.remove(name(path));
    }
}
