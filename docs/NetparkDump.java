import com.sun.tools.attach.VirtualMachine;
import java.util.Set;
import javax.management.MBeanServerConnection;
import javax.management.ObjectName;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;

/**
 * Prints the dump of each group of event loops that a process has registered by {@code ManagedLoops.register}. A JDK is all it needs, the
 * process must be of the same user, and nothing has to be prepared there:
 *
 * <pre>java NetparkDump.java PID</pre>
 *
 * The exit status is 0 if there was one.
 */
public final class NetparkDump {

    private NetparkDump() {}

    public static void main(String[] arguments) throws Exception {
        if (arguments.length != 1) {
            System.err.println("usage: java NetparkDump.java PID");
            System.exit(2);
        }
        try (JMXConnector connector = JMXConnectorFactory.connect(new JMXServiceURL(agentOf(arguments[0])))) {
            MBeanServerConnection process = connector.getMBeanServerConnection();
            Set<ObjectName> groups = process.queryNames(new ObjectName("io.netpark:type=EventLoops,*"), null);
            for (ObjectName group : groups) {
                System.out.println(group.getKeyProperty("name") + ": " + process.invoke(group, "dump", new Object[0], new String[0]));
            }
            if (groups.isEmpty()) {
                System.err.println("process " + arguments[0] + " has registered no event loops (ManagedLoops.register)");
                System.exit(1);
            }
        }
    }

    /** Has the process start its local management agent, which answers this user only, and returns where that is. */
    private static String agentOf(String process) throws Exception {
        VirtualMachine machine = VirtualMachine.attach(process);
        try {
            return machine.startLocalManagementAgent();
        } finally {
            machine.detach();
        }
    }
}
