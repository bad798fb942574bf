package io.netpark.simulation.description;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A file as such, whatever its name.
 *
 * @param kind S_IFREG or S_IFSOCK
 * @param content of a regular file
 * @param modified when its content has changed
 * @param socket that is bound to it
 */
public record FileNode(long inode, int kind, byte[] content, Instant modified, @Nullable Object socket) {}
