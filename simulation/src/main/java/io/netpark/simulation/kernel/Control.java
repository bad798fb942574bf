package io.netpark.simulation.kernel;

import io.netpark.core.linux.Linux;
import io.netpark.core.sys.Errno;
import io.netpark.simulation.description.Description;
import io.netpark.simulation.description.Failure;
import io.netpark.simulation.socket.Envelope;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Control messages (cmsg(3)) that carry descriptors, or a notice. */
final class Control {

    private static final int LEVEL = 8;
    private static final int TYPE = 12;
    private static final int HEADER = 16;
    /** SCM_MAX_FD of the kernel. */
    private static final int MOST = 253;

    private final DescriptorTable table;

    Control(DescriptorTable table) {
        this.table = table;
    }

    /** The descriptions whose numbers a program sends. */
    List<Description> rights(ByteBuffer control) {
        List<Description> rights = new ArrayList<>();
        for (int at = 0; at + HEADER <= control.capacity(); ) {
            long length = control.getLong(at);
            if (length < HEADER || length > control.capacity() - at) {
                throw new Failure(Errno.EINVAL);
            }
            if (control.getInt(at + LEVEL) == Linux.SOL_SOCKET) {
                if (control.getInt(at + TYPE) != Linux.SCM_RIGHTS) {
                    throw new Failure(Errno.EINVAL);
                }
                for (int i = at + HEADER; i + Integer.BYTES <= at + length; i += Integer.BYTES) {
                    rights.add(table.get(control.getInt(i)));
                }
            }
            at += (int) (length + 7 & -8);
        }
        if (rights.size() > MOST) {
            throw new Failure(Errno.EINVAL);
        }
        return rights;
    }

    /**
     * Writes what came with a message, and gives numbers to descriptions. Those that find no room are closed, and MSG_CTRUNC says so.
     *
     * @return how many bytes were written
     */
    int write(ByteBuffer control, Envelope envelope, boolean closeOnExec) {
        byte[] notice = envelope.notice;
        if (notice != null) {
            int length = Math.min(notice.length, control.capacity());
            control.put(0, notice, 0, length);
            if (length < notice.length) {
                envelope.flags |= Linux.MSG_CTRUNC;
            }
            return length;
        }
        List<Description> rights = envelope.rights;
        if (rights.isEmpty()) {
            return 0;
        }
        int room = Math.max(0, (control.capacity() - HEADER) / Integer.BYTES);
        int given = 0;
        while (given < Math.min(room, rights.size()) && give(control, given, rights.get(given), closeOnExec)) {
            given++;
        }
        rights.forEach(Description::release); // the table has those that it has
        if (given < rights.size()) {
            envelope.flags |= Linux.MSG_CTRUNC;
        }
        if (given == 0) {
            return 0;
        }
        int length = HEADER + given * Integer.BYTES;
        control.putLong(0, length).putInt(LEVEL, Linux.SOL_SOCKET).putInt(TYPE, Linux.SCM_RIGHTS);
        return Math.min(control.capacity(), length + 7 & -8);
    }

    private boolean give(ByteBuffer control, int index, Description description, boolean closeOnExec) {
        try {
            control.putInt(HEADER + index * Integer.BYTES, table.duplicate(description, 0, closeOnExec));
            return true;
        } catch (Failure e) { // no number is left
            return false;
        }
    }
}
