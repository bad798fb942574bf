package io.netpark.simulation.socket;

import io.netpark.core.sys.Errno;
import io.netpark.core.sys.UnixAddress;
import io.netpark.simulation.description.Failure;
import io.netpark.simulation.description.FileNode;
import io.netpark.simulation.description.FileTree;
import java.util.HashMap;
import java.util.Map;

/** The names of unix sockets on a host: files, and abstract names. */
public final class UnixNames {

    private final FileTree files;
    /** A name of the abstract kind, which each type of socket has for itself. */
    private record Key(UnixAddress name, int type) {}

    private final Map<Key, UnixSocket<?>> abstractNames = new HashMap<>();
    private int next;

    public UnixNames(FileTree files) {
        this.files = files;
    }

    /** Gives a socket a name; the file stays when the socket is closed. */
    UnixAddress bind(UnixSocket<?> socket, UnixAddress address) {
        UnixAddress name = address.isUnnamed() ? made(socket.type()) : address;
        if (name.isPath()) {
            files.addSocket(name.name(), socket);
        } else if (abstractNames.putIfAbsent(new Key(name, socket.type()), socket) != null) {
            throw new Failure(Errno.EADDRINUSE);
        }
        return name;
    }

    /** unix(7), "Autobind feature": five hexadecimal digits. */
    private UnixAddress made(int type) {
        UnixAddress name;
        do {
            name = UnixAddress.abstractName(String.format("%05x", next++ & 0xFFFFF));
        } while (abstractNames.containsKey(new Key(name, type)));
        return name;
    }

    void release(UnixSocket<?> socket) {
        abstractNames.remove(new Key(socket.local(), socket.type()));
    }

    /** The socket of a name, which must be there and open. One of a path may be of any type. */
    UnixSocket<?> find(UnixAddress address, int type) {
        UnixSocket<?> found;
        if (address.isPath()) {
            FileNode node = files.require(address.name());
            found = node.socket() instanceof UnixSocket<?> socket ? socket : null;
        } else if (address.isUnnamed()) {
            throw new Failure(Errno.EINVAL);
        } else {
            found = abstractNames.get(new Key(address, type));
        }
        if (found == null || found.isClosed()) {
            throw new Failure(Errno.ECONNREFUSED);
        }
        return found;
    }
}
