// rehearse kafka: a stand-in Kafka cluster on this machine's ports.

package main

import (
	"os"
	"reflect"

	"github.com/spf13/cobra"
)

func kafkaCommand() *cobra.Command {
	var given kafkaConfig
	var file string
	var verbose, noAutoCreate, schema bool
	c := &cobra.Command{
		Use:   "kafka",
		Short: "Run a stand-in Kafka cluster that any client takes for a real one",
		Long: "Run a stand-in Kafka cluster, in memory, until interrupted. When it answers, the settings\n" +
			"for a client go to standard output, in the form of a Java properties file.\n\n" +
			"What a flag does not say, the environment does (KAFKA_LISTENERS, KAFKA_ADVERTISED_LISTENERS,\n" +
			"KAFKA_LISTENER_SECURITY_PROTOCOL_MAP), else the file of --config; keys and schema of that:\n" +
			"rehearse kafka --schema. Lists may be given as one, with commas, or by repeating the flag.",
		Example: "  rehearse kafka --topic orders:3 --brokers 3\n" +
			"  rehearse kafka --user alice:secret --tls-self-signed certs\n" +
			"  rehearse kafka --listen INTERNAL://:9092,EXTERNAL://:19092 --allow-remote \\\n" +
			"    --protocol INTERNAL:PLAINTEXT --protocol EXTERNAL:PLAINTEXT \\\n" +
			"    --advertise INTERNAL://kafka:9092,EXTERNAL://localhost:19092",
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			if schema {
				return printSchema(c.OutOrStdout())
			}
			if noAutoCreate {
				given.AutoCreate = new(bool)
			}
			if verbose {
				given.Log = logRequests
			}
			config, err := layered(file, given)
			if err != nil {
				return err
			}
			return runKafka(c.Context(), config, streams{c.InOrStdin(), c.OutOrStdout(), c.ErrOrStderr()})
		},
	}
	addFieldFlags(c, reflect.ValueOf(&given).Elem(), kafkaDocs)
	c.Flags().Var(c.Flags().Lookup("listen").Value, "listener", "the same as --listen")
	c.Flags().Lookup("listener").Hidden = true
	c.Flags().StringVarP(&file, "config", "c", "", "read what flags do not say from this YAML `file`")
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "log requests: --log requests")
	c.Flags().BoolVar(&noAutoCreate, "no-auto-create", false, "create no topics just because clients ask for them")
	c.Flags().BoolVar(&schema, "schema", false, "print the JSON schema of the file and exit")
	return c
}

// The variables by which images of Kafka are told their listeners.
const (
	envListeners  = "KAFKA_LISTENERS"
	envAdvertised = "KAFKA_ADVERTISED_LISTENERS"
	envProtocols  = "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"
)

// layered lays the flags above the environment and that above the file.
func layered(file string, flags kafkaConfig) (kafkaConfig, error) {
	var config kafkaConfig
	if file != "" {
		var err error
		if config, err = readKafkaConfig(file); err != nil {
			return config, err
		}
	}
	env, err := kafkaEnvironment(os.Getenv)
	if err != nil {
		return config, err
	}
	overlay(reflect.ValueOf(&config).Elem(), reflect.ValueOf(&env).Elem())
	overlay(reflect.ValueOf(&config).Elem(), reflect.ValueOf(&flags).Elem())
	return config, nil
}
